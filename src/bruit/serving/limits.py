"""How much one server takes at once, and how long it waits: every limit in one place. What each is against says
docs/security.md.
"""

# Bytes of one request, and of all that are being received or answered.
MAX_BODY = 16 * 2**20
MAX_BODIES = 4 * MAX_BODY
# Images of one request; pixels of one image (a sheet of A4 at 300 dpi has 8.7 million), and of all of a request.
MAX_IMAGES = 1000
MAX_PIXELS = 10_000_000
MAX_ALL_PIXELS = 20_000_000
# Digits of one picture that the page is told of.
MAX_SHOWN = 60
# Fields of a form that are no pictures, and bytes of their values.
MAX_FIELDS, MAX_FIELD = 16, 1000
# Requests that are being answered, and those of them that ask for looks and curves.
MAX_REQUESTS = 256
MAX_LOOKS = 16
# Connections, idle ones too.
MAX_CONNECTIONS = 512
# Seconds: for the head of a request, for its body, between two of one connection, and to finish when told to stop.
HEAD_SECONDS = 10
BODY_SECONDS = 20
IDLE_SECONDS = 15
STOP_SECONDS = 10
# What whoever is refused because too many ask should wait.
RETRY_SECONDS = 1
