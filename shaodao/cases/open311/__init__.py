"""Open311 GeoReport v2 at /open311/v2/, in and out, XML and JSON; `servicerequestupdates` as mySociety added it.

Standard: http://wiki.open311.org/GeoReport_v2 . A request is a case, a service is a public category of the active
scheme, an API key is a machine token with the scope `report`.
"""
