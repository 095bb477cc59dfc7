# The development loop. Each target is one script of tools/; CI and Docker call the same ones.
#
# Variables (on the command line or in the environment):
#   BUILD=release|debug        cargo profile of the module; BUILD=sanitize: AddressSanitizer in it and in an nginx of its own
#   TESTS=t/x.t                only the tests of this file, or those with this text in their name
#   SEED=number                repeats the choices of a `make torture`
#   CONF=nginx-conf/x.conf     configuration of `make run`;  PORT=9080 its port
#   NGINX=/path/to/nginx       another nginx, with NGINX_SOURCE_DIR=its sources (tools/nginx.sh 1.28 gets one)
#   DEPS=skip                  do not look for or install packages
#   DESTDIR=folder             root of what `make install` writes

MAKEFLAGS += --no-print-directory

.PHONY: all build run web-im check fmt test test-client unittest matrix install uninstall deb debtest dockertest fuzz audit clean help screenshots http3 test-browser autobahn torture bench check-bench

# One after the other, also with -j: the second step finds the first one's build.
all: ## build, check and test (default)
	@tools/build.sh
	@$(MAKE) check
	@$(MAKE) test

build: ## build the module (BUILD=debug|release|sanitize)
	@tools/build.sh

run: ## start nginx on 127.0.0.1:9080 in the foreground (CONF=, PORT=)
	@tools/run.sh

web-im: ## start the web IM of examples/web-im on 127.0.0.1:9081 in the foreground (PORT=)
	@tools/web-im.sh

check: ## formatting and lints, as CI runs them
	@tools/check.sh

fmt: ## format the Rust code
	@cargo fmt --all

test: ## unit tests, then the tests in t/ (TESTS=t/x.t: only that file)
	@tools/ready.sh test
	@$(if $(TESTS),,tools/test.sh unit)
	@tools/test.sh t
	@$(if $(TESTS),,$(MAKE) test-browser)

test-browser: ## tests with Chromium and npm clients, t/browser (TESTS=t/browser/x.test.mjs)
	@tools/ready.sh browser
	@tools/test.sh browser

autobahn: ## WebSocket conformance: the Autobahn cases (CASES=all, CASES="6.* 7.1.5")
	@tools/ready.sh autobahn
	@tools/autobahn.sh

torture: ## ten minutes of crashes, reloads, slow readers and churn (SEED=, TORTURE_SECONDS=)
	@tools/ready.sh test
	@tools/test.sh torture

http3: ## the module over HTTP/3, where nginx has it (NGINX=, NGINX_SOURCE_DIR=)
	@tools/http3.sh

test-client: ## the JavaScript clients of client/, in node and in Chromium
	@tools/ready.sh browser
	@tools/test.sh client

unittest: ## unit tests of crates/, without nginx
	@tools/test.sh unit

matrix: ## the tests in t/ with several versions of nginx (VERSIONS=, TESTS=)
	@tools/matrix.sh

install: ## put the module and its load_module line where nginx looks (DESTDIR=)
	@tools/install.sh

uninstall: ## take them away again
	@tools/install.sh remove

deb: ## a Debian package for the installed nginx, in target/deb
	@tools/deb.sh

debtest: deb ## install, use, remove and purge that package, in a throw-away copy of this machine
	@t/deb.sh

dockertest: ## the steps of the Dockerfile without Docker, and a look at its syntax
	@t/docker.sh

bench: ## measure it beside nchan and the machine's limit, about 15 minutes: docs/benchmark.md (REPEAT=, ONLY=scaling)
	@tools/bench.sh

check-bench: ## formatting, lints and unit tests of the benchmark rig, bench/
	@tools/bench.sh check

fuzz: ## fuzz the two crates (TARGET=websocket, SECONDS=60 for each)
	@tools/fuzz.sh "$(TARGET)" "$(SECONDS)"

audit: ## licences and known vulnerabilities of the dependencies (needs cargo-deny)
	@cargo deny check

screenshots: ## take the pictures of the README anew (Chromium)
	@tools/screenshots.sh

clean: ## remove everything that was built
	@rm -rf target

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@sed -n -e '3,/^$$/s/^# \{0,1\}//p' Makefile
