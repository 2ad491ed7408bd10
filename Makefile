# A thin front over meson: what to build and how stands in meson.build.
#
#   make            build into build/
#   make demo       install what is missing, build, trace a real program
#   make test       install what is missing, build, run every floor of tests
#   make test-long  the long runs that issues ask for
#   make mutate     plant faults in the generator, one by one; a named test fails for each
#   make fuzz       FUZZ_SECONDS (1800) of libFuzzer on the engines, by clang under sanitizers
#   make bench      what a hit costs, beside hand-written trampolines and kernel uprobes
#   make install    into PREFIX (/usr/local), below DESTDIR if that is set
#   make deb        a Debian package, build/utramp_VERSION_amd64.deb
#   make docs       docs/helpers.md anew, of the tables of helpers and kfuncs

PREFIX ?= /usr/local
BUILD ?= build

all: whole
	ninja -C $(BUILD)

# a build that `make demo` set up has no tests
whole: $(BUILD)/build.ninja
	if meson introspect --buildoptions $(BUILD) | grep -q '"name": "tests", "value": false'; then \
		tools/install-deps.sh && meson configure -Dtests=true $(BUILD); fi

$(BUILD)/build.ninja:
	tools/install-deps.sh
	meson setup --prefix=$(PREFIX) $(BUILD)

# The demo needs less than the tests do, and no clang; all the rest makes up for that.
demo:
	test -e $(BUILD)/build.ninja || tools/install-deps.sh demo
	test -e $(BUILD)/build.ninja || meson setup --prefix=$(PREFIX) -Dtests=false $(BUILD)
	ninja -C $(BUILD) utramp demo-files
	tools/demo.sh $(BUILD)

# a build that was set up before a test's package came to be asked for
test: all
	-tools/install-deps.sh
	python3 tools/run-tests.py $(BUILD)

test-long: all
	python3 tools/run-tests.py $(BUILD) --long

mutate: all
	python3 tools/mutate.py

FUZZ_SECONDS ?= 1800
fuzz:
	test -e build-fuzz/build.ninja || CC=clang meson setup -Dfuzz=true build-fuzz
	ninja -C build-fuzz tests/fuzz/fuzz_jit
	mkdir -p build-fuzz/corpus
	build-fuzz/tests/fuzz/fuzz_jit -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -len_control=0 \
		-artifact_prefix=build-fuzz/ -print_final_stats=1 build-fuzz/corpus

bench: all
	bench/run.py $(BUILD)

# PREFIX given: also where a build was set up with another one
install: $(BUILD)/build.ninja
	DESTDIR="$(DESTDIR)" packaging/install.sh $(BUILD) $(if $(filter file,$(origin PREFIX)),,$(PREFIX))

deb:
	tools/install-deps.sh
	packaging/make-deb.sh $(BUILD)

format:
	git ls-files '*.[ch]' | xargs clang-format -i

docs:
	python3 tools/make-helpers-page.py

clean:
	rm -rf $(BUILD)

.PHONY: all whole demo test test-long mutate fuzz bench install deb format docs clean
