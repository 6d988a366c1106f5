"""What people look at: Grafana, the local web page and the printed report.

This room turns what storage holds into pages. It decides nothing: alerts to the wearer come from
`neckline`, figures from `processing`, names from `storage.schema`.
"""
