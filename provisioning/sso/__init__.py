"""Shows a marketplace's user one resource, on its page here, or hands them over to the vendor's own dashboard."""
