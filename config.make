# Read by nginx's configure when it writes the Makefile; see config.

ngx_addon_name=ngx_http_push_stream_module
. $ngx_addon_dir/auto/rust
rust_make
