"""Single sign-on: from a marketplace's dashboard to the page of one resource, or to the vendor's own dashboard."""
