"""Books that a room keeps by hand: tables with versions, reasons and chained events; their lists, forms, Excel and packs.

A room says what its tables hold (`kinds.Kind`) and who may do what (`kinds.Room`), and gets from here every write
(`actions`), the pages (`urls.pages`), Excel in and out (`files`), its part of a pack (`pack`) and `audit verify` (`history`).
"""
