"""Between streets and departments: whistles and how often they blow, disputes and precedents, requests for time."""
