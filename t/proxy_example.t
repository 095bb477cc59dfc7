# reverse-proxy.conf: through nginx as a proxy everything arrives as it is sent.
--- conf_file: nginx-conf/reverse-proxy.conf
--- replace
127.0.0.1:9081 => unix:${PREFIX}/module
return 403; => proxy_pass http://push;

=== events arrive one by one, and not in a buffer
--- steps
a: GET /ev/news
a< status 200
a< header Content-Type: text/event-stream; charset=utf-8
# X-Accel- headers are the proxy's own and end there.
a< no header X-Accel-Buffering
a< chunk ": \n"
pub /pub?id=news Hello
a< chunk "data: Hello\n\n"
pub /pub?id=news you
a< chunk "data: you\n\n"
json /pub?id=news subscribers == 1

=== who leaves the proxy leaves the module
--- steps
a: GET /ev/news
a< status 200
json /pub?id=news subscribers == 1
ax
json /pub?id=news subscribers == 0

=== a WebSocket
--- steps
a: WS /ws/news
a< status 101
pub /pub?id=news Hello
a< frame text "Hello"
a> frame close 1000
a< frame close 1000
a< EOF
json /pub?id=news subscribers == 0

=== a long poll
--- steps
a: GET /lp/news
json /pub?id=news subscribers == 1
pub /pub?id=news Hello
a< status 200
a< header Etag ~ ^W/
a< header Last-Modified ~ GMT$
a< body Hello

=== without the header, and by HTTP/1.0, the proxy holds events back
--- replace
127.0.0.1:9081 => unix:${PREFIX}/module
return 403; => proxy_pass http://push;
add_header X-Accel-Buffering no; => # buffered
proxy_http_version 1.1; => # by 1.0, the default
--- steps
a: GET /ev/news
json /pub?id=news subscribers == 1
pub /pub?id=news Hello
a< nothing 300ms

=== the proxy does not pass on publishing
--- replace
127.0.0.1:9081 => unix:${PREFIX}/module
--- steps
? POST /pub?id=news "Hello" -> 403
