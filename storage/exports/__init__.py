"""What leaves neckline for others: folders of files that explain themselves."""
