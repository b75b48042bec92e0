"""Administration of a cluster, a module for each noun. `admin.Admin` is all of them in one."""
