# Filled as the folder fills.
