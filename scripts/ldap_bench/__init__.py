"""The LDAP benchmark: Doorward beside OpenLDAP's slapd, in the same run. See `scripts/bench`."""
