# Statistics in plain text, YAML and XML, chosen by Accept.

=== which Accept gives which format
--- table
GET /stats                                     -> 200 | Content-Type: application/json
GET /stats {Accept: text/plain}                -> 200 | Content-Type: text/plain
GET /stats {Accept: application/json}          -> 200 | Content-Type: application/json
GET /stats {Accept: application/yaml}          -> 200 | Content-Type: application/yaml
GET /stats {Accept: application/xml}           -> 200 | Content-Type: application/xml
GET /stats {Accept: text/x-json}               -> 200 | Content-Type: text/x-json
GET /stats {Accept: text/x-yaml}               -> 200 | Content-Type: text/x-yaml
GET /stats {Accept: application/x-yaml}        -> 200 | Content-Type: text/x-yaml
GET /stats {Accept: text/html}                 -> 200 | Content-Type: application/json
GET /stats {Accept: */*}                       -> 200 | Content-Type: application/json
GET /stats {Accept: text/xml}                  -> 200 | Content-Type: application/xml
GET /stats {Accept: image/plainfoo}            -> 200 | Content-Type: text/plain
GET /stats {Accept: text/PLAIN}                -> 200 | Content-Type: application/json
GET /stats {Accept: nonsense}                  -> 200 | Content-Type: application/json
GET /stats {Accept: text/html,application/xhtml+xml,application/xml;q=0.9} -> 200 | Content-Type: application/xml
GET /stats {Accept: a/yaml;q=0.1,b/json}       -> 200 | Content-Type: application/yaml

=== plain text
--- table
POST /pub?id=a/b "m"                           -> 200
GET /stats?id=a {Accept: text/plain}           -> 200 | body "channel: a\r\npublished_messages: 1\r\nstored_messages: 1\r\nactive_subscribers: 0\r\n"
GET /stats?id=ALL {Accept: text/plain}         -> 200 | body ~ ^hostname: \S+, time: \S+, channels: 2, wildcard_channels: 0, uptime: \d+, infos: \r\nchannel: a\r\npublished_messages: 1\r\nstored_messages: 1\r\nactive_subscribers: 0,\r\nchannel: b\r\npublished_messages: 1\r\nstored_messages: 1\r\nactive_subscribers: 0\r\n$
GET /stats?id=z* {Accept: text/plain}          -> 200 | body ~ infos: \r\n\r\n$
GET /stats {Accept: text/plain}                -> 200 | body ~ ^hostname: \S+\r\ntime: \S+\r\nchannels: 2\r\nwildcard_channels: 0\r\npublished_messages: 2\r\nstored_messages: 2\r\nmessages_in_trash: 0\r\nchannels_in_delete: 0\r\nchannels_in_trash: 0\r\nsubscribers: 0\r\nuptime: \d+\r\nby_worker:\r\n  pid: \d+\r\n  subscribers: 0\r\n  uptime: \d+\r\n$

=== YAML
--- table
POST /pub?id=a/b "m"                           -> 200
GET /stats?id=a {Accept: application/yaml}     -> 200 | body "  channel: a\r\n  published_messages: 1\r\n  stored_messages: 1\r\n  subscribers: 0\r\n"
GET /stats?id=ALL {Accept: application/yaml}   -> 200 | body ~ ^hostname: \S+\r\ntime: \S+\r\nchannels: 2\r\nwildcard_channels: 0\r\nuptime: \d+\r\ninfos: \r\n -\r\n  channel: a\r\n  published_messages: 1\r\n  stored_messages: 1\r\n  subscribers: 0\r\n -\r\n  channel: b\r\n  published_messages: 1\r\n  stored_messages: 1\r\n  subscribers: 0\r\n$
GET /stats?id=z* {Accept: application/yaml}    -> 200 | body ~ infos: \r\n\r\n$
GET /stats {Accept: application/yaml}          -> 200 | body ~ ^  hostname: \S+\r\n  time: \S+\r\n  channels: 2\r\n  wildcard_channels: 0\r\n  published_messages: 2\r\n  stored_messages: 2\r\n  messages_in_trash: 0\r\n  channels_in_delete: 0\r\n  channels_in_trash: 0\r\n  subscribers: 0\r\n  uptime: \d+\r\n  by_worker:\r\n   -\r\n    pid: \d+\r\n    subscribers: 0\r\n    uptime: \d+\r\n$

=== XML
--- table
POST /pub?id=a/b "m"                           -> 200
GET /stats?id=a {Accept: application/xml}      -> 200 | body "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\r\n<channel>\r\n  <name>a</name>\r\n  <published_messages>1</published_messages>\r\n  <stored_messages>1</stored_messages>\r\n  <subscribers>0</subscribers>\r\n</channel>\r\n\r\n"
GET /stats?id=ALL {Accept: application/xml}    -> 200 | body ~ ^<\?xml version="1.0" encoding="UTF-8" \?>\r\n<root>\r\n  <hostname>\S+</hostname>\r\n  <time>\S+</time>\r\n  <channels>2</channels>\r\n  <wildcard_channels>0</wildcard_channels>\r\n  <uptime>\d+</uptime>\r\n  <infos>\r\n<channel>\r\n  <name>a</name>\r\n  <published_messages>1</published_messages>\r\n  <stored_messages>1</stored_messages>\r\n  <subscribers>0</subscribers>\r\n</channel>\r\n<channel>\r\n  <name>b</name>
GET /stats?id=ALL {Accept: application/xml}    -> 200 | body ~ </channel>\r\n  </infos>\r\n</root>\r\n$
GET /stats {Accept: application/xml}           -> 200 | body ~ ^<\?xml version="1.0" encoding="UTF-8" \?>\r\n<infos>\r\n  <hostname>\S+</hostname>\r\n  <time>\S+</time>\r\n  <channels>2</channels>\r\n  <wildcard_channels>0</wildcard_channels>\r\n  <published_messages>2</published_messages>\r\n  <stored_messages>2</stored_messages>\r\n  <messages_in_trash>0</messages_in_trash>\r\n  <channels_in_delete>0</channels_in_delete>\r\n  <channels_in_trash>0</channels_in_trash>\r\n  <subscribers>0</subscribers>\r\n  <uptime>\d+</uptime>\r\n  <by_worker><worker>\r\n  <pid>\d+</pid>\r\n  <subscribers>0</subscribers>\r\n  <uptime>\d+</uptime>\r\n</worker>\r\n</by_worker>\r\n</infos>\r\n$
