"""What the district publishes about shared bikes, for everybody: GBFS 3.0, MDS policies, bays as GeoJSON and tiles.

`facts` reads what there is, once for all addresses and readers; `gbfs`, `mds`, `mds_places` and `bays` make documents of it;
`wire` sends them with what a cache needs to know. Whether and how much is published is the pack's block `bikes: publish:`
(settings.PublishSettings).
"""
