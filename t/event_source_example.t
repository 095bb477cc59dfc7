# The examples of nginx-conf/ do what their first lines say, for an event source.

=== event-source.conf
--- conf_file: nginx-conf/event-source.conf
--- steps
? GET / -> 200 | Content-Type: text/html | body ~ new EventSource
a: GET /ev/news
a< status 200
a< chunk ": \n"
a< chunk "retry: 2000\n"
? POST /pub?id=news {Event-Id: 1} "Hello" -> 200
? POST /pub?id=news {Event-Id: 2; Event-Type: goal} "2:1" -> 200
a< chunk "id: 1\n"
a< chunk "data: Hello\n\n"
a< chunk "id: 2\n"
a< chunk "event: goal\n"
a< chunk "data: 2:1\n\n"
# Who comes for the first time gets both, who comes again the second, who comes too late is told.
b: GET /ev/news
c: GET /ev/news
   Last-Event-ID: 1
d: GET /ev/news
   Last-Event-ID: 0
b,c,d< chunk ": \n"
b,c,d< chunk "retry: 2000\n"
b< chunk "id: 1\n"
b< chunk "data: Hello\n\n"
b,c< chunk "id: 2\n"
b,c< chunk "event: goal\n"
b,c< chunk "data: 2:1\n\n"
d< header X-Nginx-PushStream-Gap: 1
d< chunk "event: gap\n"
d< chunk "data: messages are missing\n\n"
a,b,c,d< nothing 100ms

=== quickstart.conf
--- conf_file: nginx-conf/quickstart.conf
--- steps
a: GET /ev/news
b: GET /sub/news
a< chunk ": \n"
b< status 200
? POST /pub?id=news "Hello\nyou" -> 200
a< chunk "data: Hello\ndata: you\n\n"
b< chunk "Hello\nyou\n"
a,b< nothing 100ms
