# SPDX-License-Identifier: Apache-2.0
#
# Builds, runs and tests disvm. `make` alone lists the targets.
#
# Flow: sources -> $(BUILD)/obj -> libdis.a, libvmm.a -> disvm and one program
# per test file. Another compiler or a sanitizer is another BUILD directory, so
# that no two of them mix:
#   make build CC=clang BUILD=build/clang
#   make build SAN=thread BUILD=build/tsan

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BUILD ?= build
SAN ?=
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
ifeq ($(origin CC),default)
CC := gcc
endif
AR ?= ar
CLANG ?= clang
# Two jobs where the caller gave none: the sanitizer builds need the memory.
JOBS ?= $(shell nproc)

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-6s %s\n')

OPT := -O2 -g
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Werror
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Ivmm
# KVM's tables are structures with an open end: a local one of fixed length puts
# the entries behind it, which clang calls a GNU extension.
WARN += -Wno-gnu-variable-sized-type-not-at-end
CFLAGS += -std=gnu11 $(OPT) $(WARN) -pthread
LDFLAGS += -pthread -Wl,--as-needed
LDLIBS += -lfdt -ljansson -lcapstone -lmicrohttpd -lseccomp -lm
ifneq ($(SAN),)
OPT := -O1 -g
CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS += -fsanitize=$(SAN)
else ifeq ($(findstring clang,$(CC)),)
# A pass of the scheduler is calls of small functions across files: disvm is
# optimised as a whole, which takes a quarter off. Tests link the same objects as
# they are, so that they can stand between any two.
CFLAGS += -flto=auto -ffat-lto-objects
WHOLE := $(OPT) -flto=auto
SINGLY := -fno-lto
endif

OBJ := $(BUILD)/obj
DIS_SRCS := $(sort $(wildcard sched/*.c))
VMM_SRCS := $(sort $(filter-out vmm/cli/main.c, \
	      $(wildcard vmm/*.c vmm/*/*.c vmm/*/*/*.c)))
MAIN_SRC := vmm/cli/main.c
FUZZ_SRCS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
MAN_PAGES := $(sort $(wildcard vmm/cli/*.1))
HEADERS := $(sort $(shell find include sched vmm -name '*.h' 2>/dev/null))

objs = $(patsubst %.c,$(OBJ)/%.o,$(1))
DIS_OBJS := $(call objs,$(DIS_SRCS))
VMM_OBJS := $(call objs,$(VMM_SRCS))
MAIN_OBJ := $(call objs,$(MAIN_SRC))
LIBS := $(BUILD)/libvmm.a $(BUILD)/libdis.a
DISVM := $(BUILD)/disvm

# The guest's own rules, GUEST_IMAGE and GUEST_IMAGES. Only the ordinary build
# writes images/tiny.elf.
GUEST_IMAGE := $(if $(filter build,$(BUILD)),images,$(BUILD))/tiny.elf
-include guest/Makefile.inc

# Disks with a boot sector, for firmware to boot. Only the ordinary build writes to
# images/.
DISK_IMAGE := $(if $(filter build,$(BUILD)),images,$(BUILD))/hello.img
TEST_DISKS := $(patsubst tests/boot/%.S,$(BUILD)/tests/boot/%.img,\
		$(sort $(wildcard tests/boot/*.S)))

##@ Use

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@printf '\nVariables: BUILD, CC, SAN, V=1, PREFIX, DESTDIR, FUZZ_SECONDS\n'

RUN_TRACE := $(BUILD)/run-trace.json
# Only who may not open /dev/kvm needs sudo for it.
RUN_AS = $(shell test -w /dev/kvm || test "$$(id -u)" = 0 || echo sudo)

.PHONY: run
run: ## install what is missing, build, run a guest with 8 vCPUs for 5 s
	@tests/tools/deps.sh run
	@$(MAKE) -j$(JOBS) build
	$(RUN_AS) $(DISVM) run --kernel $(GUEST_IMAGE) --vcpus 8 \
		--intent 0=realtime:period=10ms,deadline=10ms,wcet=1ms \
		--intent 1-2=interactive:target=1ms \
		--intent 3-6=batch --intent 7=background \
		--time-limit 5s --trace $(RUN_TRACE)
	@echo
	@echo "Trace: $(RUN_TRACE)"
	@echo "Open it: https://ui.perfetto.dev, 'Open trace file'"

.PHONY: build
build: $(DISVM) $(LIBS) $(GUEST_IMAGES) $(DISK_IMAGE) ## build disvm, its libraries and the guest images

.PHONY: install
install: build ## install program, manual pages, headers for policy modules, tiny guest
	install -D -m 755 $(DISVM) $(DESTDIR)$(PREFIX)/bin/disvm
	$(if $(MAN_PAGES),install -d $(DESTDIR)$(PREFIX)/share/man/man1)
	$(if $(MAN_PAGES),install -m 644 $(MAN_PAGES) \
		$(DESTDIR)$(PREFIX)/share/man/man1/)
	install -D -m 644 $(GUEST_IMAGE) $(DESTDIR)$(PREFIX)/share/disvm/tiny.elf
	install -d $(DESTDIR)$(PREFIX)/include/dis
	install -m 644 $(wildcard include/dis/*.h) $(DESTDIR)$(PREFIX)/include/dis/

.PHONY: deps
deps: ## install every Debian package that build, tests and lint need
	@tests/tools/deps.sh fuzz

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD) images/*.elf images/*.img

##@ Test

.PHONY: test
test: ## install what is missing, run every test; last line: N passed, N failed
	@tests/tools/deps.sh fuzz
	@tests/run.sh all

.PHONY: test-unit test-kvm test-e2e test-nested asan tsan
test-unit: ## unit and simulator tests
	@tests/run.sh unit
test-kvm: ## tests that need /dev/kvm
	@tests/run.sh kvm
test-e2e: ## tests of the program from outside
	@tests/run.sh e2e
test-nested: ## KVM tests in emulated machines: two kernels, one and two CPUs
	@tests/tools/deps.sh test
	@tests/run.sh nested-all
.PHONY: exits
exits: build ## count exits of a Linux guest in a nested machine, beside QEMU's microvm
	@tests/nested/exits.sh
asan: ## unit and KVM tests with AddressSanitizer and UBSan
	@tests/run.sh asan
tsan: ## unit and KVM tests with ThreadSanitizer
	@tests/run.sh tsan

.PHONY: requirements
requirements: ## list each requirement with its tests, then the open ones
	@tests/tools/requirements.sh

.PHONY: bench
bench: $(DISVM) ## what a dispatch costs, against a bare KVM_RUN loop
	$(RUN_AS) $(DISVM) bench switch

.PHONY: fuzz
fuzz: ## run each fuzzer for FUZZ_SECONDS
	@tests/tools/deps.sh fuzz
	@$(MAKE) -j$(JOBS) CC=$(CLANG) BUILD=$(BUILD)/fuzz \
		SAN=fuzzer-no-link,address,undefined fuzz-programs
	@tests/tools/fuzz.sh $(BUILD)/fuzz/fuzz $(FUZZ_SECONDS)

##@ Style

LINT_SRCS := $(DIS_SRCS) $(VMM_SRCS) $(wildcard $(MAIN_SRC))
LINT_FLAGS := $(CPPFLAGS) -DDISVM_COMMIT='"lint"'
FORMAT_SRCS = $(shell git ls-files '*.c' '*.h')

.PHONY: lint lint-tidy lint-cppcheck lint-format lint-man check-includes format
lint: lint-format check-includes lint-cppcheck lint-tidy lint-man ## all static checks

tidy = @printf '%s\n' $(1) | xargs -P$(JOBS) -n1 tests/tools/tidy.sh $(2) --

lint-tidy:
	$(call tidy,$(LINT_SRCS),$(LINT_FLAGS) -std=gnu11)
	$(call tidy,$(wildcard guest/kernel/*.c),$(GUEST_KERNEL_CFLAGS))
	$(call tidy,$(wildcard guest/user/*.c),$(GUEST_USER_CFLAGS))

# cppcheck reads no system headers (the C library's refuse it); it is told what
# the list and tree macros are.
CPPCHECK = cppcheck --quiet --enable=warning,performance,portability \
	--inline-suppr --error-exitcode=1 --std=c11 -j$(JOBS) \
	--suppress=missingIncludeSystem --suppress=memleak \
	--suppress=uninitvar
CPPCHECK_FLAGS = --library=gnu,posix,bsd \
	--include=/usr/include/$(shell $(CC) -dumpmachine)/sys/queue.h \
	'-DRB_GENERATE_STATIC(a,b,c,d)=' '-DRB_GENERATE_INTERNAL(a,b,c,d,e)='

# The guest compares symbols of its linker script, and its checks end in die().
CPPCHECK_GUEST = -Iinclude -Iguest/include -Iguest/kernel -Iguest/user \
	--suppress=comparePointers --suppress=arrayIndexOutOfBoundsCond

lint-cppcheck:
	@$(CPPCHECK) $(CPPCHECK_FLAGS) $(LINT_FLAGS) $(LINT_SRCS)
	@$(CPPCHECK) $(CPPCHECK_GUEST) guest

lint-format:
	@clang-format --dry-run -Werror $(FORMAT_SRCS)

lint-man:
	$(if $(MAN_PAGES),@mandoc -Tlint -Wwarning $(MAN_PAGES),@true)

check-includes: ## the direction of includes (architecture) holds
	@tests/tools/check-includes.sh

format: ## apply .clang-format
	@clang-format -i $(FORMAT_SRCS)

# ---- Build rules -------------------------------------------------------------

# A file that changes only when its text does: what depends on it is built anew
# after a change of flags, of the list of sources or of the commit.
.PHONY: FORCE
FORCE:
define text_file # path, text
$(1): FORCE
	@mkdir -p $$(@D)
	@printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $$@ || \
		printf '%s\n' '$(subst ','\'',$(2))' >$$@
endef

$(eval $(call text_file,$(BUILD)/flags,$(CC) $(CPPFLAGS) $(CFLAGS)))
$(eval $(call text_file,$(BUILD)/sources,$(DIS_SRCS) $(VMM_SRCS)))

$(OBJ)/%.o: %.c $(BUILD)/flags
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libdis.a: $(DIS_OBJS) $(BUILD)/sources
$(BUILD)/libvmm.a: $(VMM_OBJS) $(BUILD)/sources
$(LIBS):
	$(say) AR $@
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(DISVM): $(MAIN_OBJ) $(LIBS)
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) $(WHOLE) -o $@ $^ $(LDLIBS)

# The commit is part of reports; only the files that name it are built anew.
COMMIT := $(or $(shell git describe --always --dirty 2>/dev/null),unknown)
COMMIT_OBJS := $(call objs,$(shell grep -l DISVM_COMMIT $(VMM_SRCS) \
		 $(wildcard $(MAIN_SRC)) /dev/null))
ifneq ($(COMMIT_OBJS),)
$(eval $(call text_file,$(BUILD)/commit,$(COMMIT)))
$(COMMIT_OBJS): $(BUILD)/commit
$(COMMIT_OBJS): CPPFLAGS += -DDISVM_COMMIT='"$(COMMIT)"'
endif

# Tests: each tests/GROUP/test_*.c is one program. Other .c files of the group
# are its helpers and part of each of its programs, those of tests/lib part of
# all. Tests see private headers.
TEST_GROUPS := unit sim kvm nested
nested_BORROWS := tests/kvm/pool.c
$(OBJ)/tests/%.o: CPPFLAGS += -I. -Isched -Itests

define test_group # group
$(1)_PROGRAMS := $$(patsubst tests/%.c,$(BUILD)/tests/%, \
		   $$(sort $$(wildcard tests/$(1)/test_*.c)))
$(1)_HELPERS := $$(call objs,$$(filter-out tests/$(1)/test_%, \
		  $$(sort $$(wildcard tests/$(1)/*.c tests/lib/*.c) \
		  $$($(1)_BORROWS))))
TEST_PROGRAMS += $$($(1)_PROGRAMS)
TEST_OBJS += $$($(1)_HELPERS) $$(patsubst $(BUILD)/%,$(OBJ)/%.o,$$($(1)_PROGRAMS))
$$($(1)_PROGRAMS): $(BUILD)/%: $(OBJ)/%.o $$($(1)_HELPERS) $(LIBS)
	$$(say) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS) -lcmocka
endef
$(foreach group,$(TEST_GROUPS),$(eval $(call test_group,$(group))))

# Policy modules that tests load: most of them misbehave.
TEST_MODULES := $(patsubst %.c,$(BUILD)/%.so,$(sort $(wildcard tests/modules/*.c)))
$(TEST_MODULES): $(BUILD)/%.so: %.c $(wildcard tests/modules/*.h) $(wildcard include/dis/*.h) $(BUILD)/flags
	$(say) SO $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests $(CFLAGS) -fPIC -shared -o $@ $<

# tests/lib/interpose.c stands between these and whoever calls them.
TEST_WRAPS := dis_core_step dis_core_enter dis_core_leave malloc calloc realloc free aligned_alloc \
	posix_memalign mmap munmap pthread_mutex_lock pthread_mutex_trylock \
	pthread_cond_wait pthread_rwlock_rdlock pthread_rwlock_wrlock sem_wait \
	write fprintf syscall clock_gettime timer_settime timer_create timer_delete
$(TEST_PROGRAMS): LDFLAGS += $(SINGLY) $(TEST_WRAPS:%=-Wl,--wrap=%)

# 16-bit code that is loaded to 0x7c00; the rest of a sector is its own business.
define boot_disk # image, source
$(1): $(2) $(BUILD)/flags
	$$(say) LD $$@
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -m32 -nostdlib -static -Wl,--oformat=binary,-Ttext=0x7c00 \
		-Wl,--build-id=none,-e,start,-m,elf_i386 -o $$@ $$<
	@chmod -x $$@
endef
$(eval $(call boot_disk,$(DISK_IMAGE),images/hello.S))
$(foreach disk,$(TEST_DISKS),$(eval $(call boot_disk,$(disk),\
	$(patsubst $(BUILD)/%.img,%.S,$(disk)))))

.PHONY: test-programs test-modules test-disks fuzz-programs
test-disks: $(TEST_DISKS)
test-modules: $(TEST_MODULES)
test-programs: $(TEST_PROGRAMS) test-modules

FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRCS))
fuzz-programs: $(FUZZ_PROGRAMS)
$(BUILD)/fuzz/%: $(OBJ)/tests/fuzz/%.o $(LIBS)
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

ALL_OBJS := $(DIS_OBJS) $(VMM_OBJS) $(MAIN_OBJ) $(TEST_OBJS) \
	    $(call objs,$(FUZZ_SRCS))
.SECONDARY: $(ALL_OBJS)
-include $(ALL_OBJS:.o=.d)
