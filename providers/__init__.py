"""Vendors, one folder or file each, behind the interface of skuflow.jobs.contract."""
