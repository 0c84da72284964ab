"""HTTP as it is between the tests and the service: without TLS."""

import ssl

# Trusts nobody. Without it, each client reads every certificate authority there is: a tenth of the time of tests/chat.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
