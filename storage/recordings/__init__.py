"""Raw samples as they came, for those who opted in: an append log, sealed hour by hour into Parquet files."""
