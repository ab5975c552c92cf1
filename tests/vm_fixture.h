/*
 * vm_fixture.h - what the tests of the engine share: a machine with one process, temporary host files, and short words for
 * accesses and what is expected of them.
 *
 * Each test gets a machine of its own. Its teardown ends every process, and expects every invariant to hold, every frame
 * to be free and every page table to be gone: a test that leaks fails.
 */
#ifndef TESTS_VM_FIXTURE_H
#define TESTS_VM_FIXTURE_H

#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGE ((uint64_t)VM_PAGE_SIZE)
#define MIB (UINT64_C(1) << 20)

/* Free addresses of every process here, far from heap, stack and mmap_base; free in a host process too. */
#define ARENA UINT64_C(0x20000000)
#define ARENA_END UINT64_C(0x30000000)

enum {
	RW = PROT_READ | PROT_WRITE,
	PRIVATE_ANON = MAP_PRIVATE | MAP_ANONYMOUS,
	SHARED_ANON = MAP_SHARED | MAP_ANONYMOUS,
};

/* What a test changes of the default machine; 0 leaves the default (RAM: 64 MiB; no periodic write-back). */
struct vm_limits {
	uint64_t ram_pages, max_tables, max_processes, max_map_count, writeback_centisecs;
	uid_t uid;
	bool segv_kill;
};

struct vm_fixture {
	struct vm_machine *machine;
	struct vm_process *process;
	struct vm_cred cred;
	char *dir;       /* for host files, removed at the end */
	uint64_t tables; /* in use before the first process */
};

/* For g_test_add: DATA is a struct vm_limits or NULL. */
void fixture_setup(struct vm_fixture *f, gconstpointer data);
void fixture_teardown(struct vm_fixture *f, gconstpointer data);

#define FIXTURE_TEST(path, limits, fn) g_test_add(path, struct vm_fixture, limits, fixture_setup, fn, fixture_teardown)

/* Every invariant of the machine holds. */
void assert_sound(struct vm_machine *machine);

/* Processes. */
struct vm_process *spawn(struct vm_fixture *f);
struct vm_process *fork_of(struct vm_process *process);
/* The process ends, and the reference to it goes. */
void end(struct vm_process *process);

/* Private (or, with FLAGS, other) memory of so many pages: the address, which may not be an error. */
uint64_t map(struct vm_process *process, uint64_t addr, uint64_t pages, int prot, int flags);
/* FILE, or part of it from page OFFSET, at ADDR. */
uint64_t map_file(struct vm_process *process, uint64_t addr, uint64_t pages, int prot, int flags, struct vm_file *file,
                  uint64_t offset);

/* Readable and writable memory, mapped with FLAGS and filled with BYTE: the address. */
uint64_t map_filled(struct vm_process *process, uint64_t addr, uint64_t pages, int flags, uint8_t byte);

/* Bytes of the process: BYTE at VA, a page filled with BYTE, and what is expected there. */
void put(struct vm_process *process, uint64_t va, uint8_t byte);
void fill(struct vm_process *process, uint64_t va, uint64_t pages, uint8_t byte);
int get(struct vm_process *process, uint64_t va);
void assert_filled(struct vm_process *process, uint64_t va, uint64_t pages, uint8_t byte);
/* vm_read into BUF: what it returns. */
ssize_t load(struct vm_process *process, uint64_t va, void *buf, size_t len);

/* One access at VA: 0 or its errno, and RECORD of it. */
int touch(struct vm_process *process, uint64_t va, enum vm_access access, struct vm_fault *record);
/* ... which must come to OUTCOME and KIND. */
void assert_touch(struct vm_process *process, uint64_t va, enum vm_access access, enum vm_outcome outcome,
                  enum vm_fault_kind kind);

/* A host file NAME of SIZE bytes, page I filled with FIRST + I: its path, to be freed. */
char *make_file(struct vm_fixture *f, const char *name, uint64_t size, char first);
/* It, opened for the machine. */
struct vm_file *open_file(struct vm_fixture *f, const char *path, int access);
/* The byte at OFFSET of the host file, or -1 past its end; and its size. */
int file_byte(const char *path, uint64_t offset);
uint64_t file_size(const char *path);
/* Somebody else writes LEN times BYTE to the file; or makes it SIZE bytes long. Its times change for certain. */
void write_file(const char *path, uint64_t offset, uint64_t len, char byte);
void resize_file(const char *path, uint64_t size);

/* "20000000-20002000 rw-p 0\n" for each area of the process that starts in the arena. Free with g_free. */
char *areas_text(struct vm_process *process);
void assert_areas(struct vm_process *process, const char *expected);

/* The leaf entry for VA, or false. */
bool entry_of(struct vm_process *process, uint64_t va, struct vm_entry_info *entry);
/* The entry of LEVEL on the path to VA, or false. */
bool entry_at(struct vm_process *process, uint64_t va, enum vm_level level, struct vm_entry_info *entry);

/* What pagemap says of the page at VA. */
bool soft_dirty(struct vm_process *process, uint64_t va);

/* Poll until FN answers true; the test fails after half a minute. */
void wait_until(bool (*fn)(void *ctx), void *ctx);

#endif
