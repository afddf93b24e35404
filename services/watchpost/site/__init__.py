"""What composes services into a site: the only code, beside the command line, that knows several of them."""
