"""Payment gateways played as foreign systems, for demos, development and tests. The product never imports one."""
