# The authorisation recipes of nginx-conf/ let in whom they should, and nobody else.

=== auth-request.conf
--- conf_file: nginx-conf/auth-request.conf
--- replace
127.0.0.1:9081 => unix:${PREFIX}/application
--- steps
? GET /sub/room -> 401
? GET /sub/room {Cookie: session=bob} -> 403
? GET /sub/news {Cookie: session=alice} -> 403
? GET /sub/room.b1 {Cookie: session=alice} -> 404
? GET /sub/room/news {Cookie: session=alice} -> 404
? GET /sub/room%252Fnews {Cookie: session=alice} -> 404
? GET /mine -> 401
? GET /mine {Cookie: session=bob} -> 403
a: GET /sub/room
   Cookie: session=alice
b: GET /mine
   Cookie: session=alice
a,b< status 200
pub /pub?id=room Hello
pub /pub?id=news World
a,b< chunk "Hello\n"
b< chunk "World\n"
a< nothing 100ms

=== an application that fails lets nobody in
--- conf_file: nginx-conf/auth-request.conf
--- replace
127.0.0.1:9081 => unix:${PREFIX}/application
return 204; => return 500;
--- steps
a: GET /sub/room
   Cookie: session=alice
a< status 500

=== secure-link.conf
--- conf_file: nginx-conf/secure-link.conf
--- steps
? GET /sub/room -> 403
? GET /sub/room?md5=AlXm9ZwKnz81KMKJDwH7Jw&expires=41024448000 -> 403
? GET /sub/news?md5=AlXm9ZwKnz81KMKJDwH7Jw&expires=4102444800 -> 403
? GET /sub/room?md5=RgW0vip5JNdFzyrA9vnY8g&expires=1000000000 -> 410
a: GET /sub/room?md5=AlXm9ZwKnz81KMKJDwH7Jw&expires=4102444800
a< status 200
pub /pub?id=room Hello
a< chunk "Hello\n"

=== auth-basic.conf
--- conf_file: nginx-conf/auth-basic.conf
--- steps
? POST /pub?id=news "Hello" -> 401 | WWW-Authenticate: Basic realm="publishers"
? GET /pub?id=news -> 401
? DELETE /pub?id=news -> 401
? POST /pub?id=news {Authorization: Basic YmFja2VuZDp3cm9uZw==} "Hello" -> 401
a: GET /sub/news
a< status 200
? POST /pub?id=news {Authorization: Basic YmFja2VuZDpzZWNyZXQ=} "Hello" -> 200
a< chunk "Hello\n"

=== allow-deny.conf
--- conf_file: nginx-conf/allow-deny.conf
--- steps
a: GET /sub/news
   X-Forwarded-For: 203.0.113.9
a< status 200
? POST /pub?id=news {X-Forwarded-For: 203.0.113.9} "Hello" -> 403
? DELETE /pub?id=news {X-Forwarded-For: 203.0.113.9} -> 403
? GET /channels-stats {X-Forwarded-For: 203.0.113.9} -> 403
? POST /pub?id=news {X-Forwarded-For: 10.1.2.3} "Hello" -> 200
? POST /pub?id=news "you" -> 200
? GET /channels-stats -> 200 | json published_messages == 2
a< chunk "Hello\n"
a< chunk "you\n"

=== jwt.conf
--- conf_file: nginx-conf/jwt.conf
--- steps
? GET /sub -> 401
? GET /sub?token=nonsense -> 401
? GET /sub?token=a.b.c -> 401
# Too late; without an end; signed by somebody else; unsigned; another algorithm; no channels; an id that is a path.
? GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6MTAwMDAwMDAwMH0.Q5UzuW8WQu4A6mo4jCIc5ZAXP4QH46Kda44lsCsMHF8 -> 401
? GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJyb29tIl19.rZkWyS5emWKd9F8jvh1PNaRpO_hUXs4aTD1E6giUDAE -> 401
? GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6NDEwMjQ0NDgwMH0.OEGcRWl12nr9KgGxqbMIcsiyQY_7bmlkNgINZtiGr_s -> 401
? GET /sub?token=eyJhbGciOiJub25lIn0.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6NDEwMjQ0NDgwMH0. -> 401
? GET /sub?token=eyJhbGciOiJIUzUxMiJ9.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6NDEwMjQ0NDgwMH0.xlnUHcNDbgHepQ6LV72epsc-C3PJAPPvhkercID4J7E -> 401
? GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjQxMDI0NDQ4MDB9.9e3LyUQs2duaedHS2GLg6oEk6OEClgJhLqaezH4O-l4 -> 401
? GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJhL2IiLCJjJTJGZCJdLCJleHAiOjQxMDI0NDQ4MDB9.OOA8k5E3oBXv3EaKBsIqwoD7A7C_q_QVXhQbWDm5R1c -> 401
a: GET /sub?token=eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6NDEwMjQ0NDgwMH0.E8Ys3jhHTNn8QHWiWtj1NUugDgmKAkBP_FYGLwXjb84
b: GET /sub
   Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJjaGFubmVscyI6WyJyb29tIl0sImV4cCI6NDEwMjQ0NDgwMH0.E8Ys3jhHTNn8QHWiWtj1NUugDgmKAkBP_FYGLwXjb84
a,b< status 200
pub /pub?id=room Hello
pub /pub?id=a World
a,b< chunk "Hello\n"
a,b< nothing 100ms
