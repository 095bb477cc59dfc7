# Streams take the short way to the socket with the modules that come with nginx: each of them is known.

=== the log names no module that closes the short way
--- steps
a: GET /sub/x
a< status 200
pub /pub?id=x hello
a< text hello
--- no_error_log: streams go through all output filters
