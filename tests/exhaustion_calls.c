/*
 * exhaustion_calls.c - see exhaustion.h: one function a call, and THE table of them.
 */
#include "tests/exec_fixture.h"
#include "tests/exhaustion.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif

static int64_t unmap_within(struct vm_process *process)
{
	return vm_munmap(process, AT(0, 1), PIECE_SIZE);
}

static int64_t unmap_all(struct vm_process *process)
{
	return vm_munmap(process, AT(0, 1), 4 * PIECE_SIZE);
}

static int64_t map_over(struct vm_process *process)
{
	return vm_mmap(process, AT(0, 1), 3 * PIECE_SIZE, PROT_READ, PRIVATE_ANON | MAP_FIXED, NULL, 0);
}

static int64_t map_shared_over(struct vm_process *process)
{
	return vm_mmap(process, AT(1, 1), PIECE_SIZE, PROT_READ, SHARED_ANON | MAP_FIXED, NULL, 0);
}

static int64_t map_locked(struct vm_process *process)
{
	return vm_mmap(process, AT(6, 0), 4 * PAGE, RW, PRIVATE_ANON | MAP_FIXED | MAP_LOCKED, NULL, 0);
}

static int64_t shrink(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 0), 2 * PIECE_SIZE, PAGE, 0, 0);
}

static int64_t grow_elsewhere(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, 2 * PIECE_SIZE, MREMAP_MAYMOVE, 0);
}

static int64_t grow_in_place(struct vm_process *process)
{
	return vm_mremap(process, AT(5, 0), PIECE_SIZE, 2 * PIECE_SIZE, 0, 0);
}

static int64_t move(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(6, 1));
}

static int64_t move_over(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 0), PIECE_SIZE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(4, 1));
}

/* Piece 2 gets a hole, so that there are areas on both sides of one. */
static int64_t make_hole(struct vm_process *process)
{
	return vm_munmap(process, AT(2, 1), 2 * PAGE);
}

static int64_t move_several(struct vm_process *process)
{
	return vm_mremap(process, AT(1, 1), 2 * PIECE_SIZE, 2 * PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, AT(6, 1));
}

static int64_t move_and_stay(struct vm_process *process)
{
	return vm_mremap(process, AT(0, 1), PIECE_SIZE, PIECE_SIZE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
}

static int64_t protect(struct vm_process *process)
{
	return vm_mprotect(process, AT(0, 1), 4 * PIECE_SIZE, PROT_READ);
}

static int64_t unprotect(struct vm_process *process)
{
	return vm_mprotect(process, AT(3, 1), 3 * PIECE_SIZE - 2 * PAGE, RW);
}

static int64_t lock(struct vm_process *process)
{
	return vm_mlock(process, AT(1, 1), 2 * PIECE_SIZE, MLOCK_ONFAULT);
}

static int64_t lock_now(struct vm_process *process)
{
	return vm_mlock(process, AT(4, 1), 6 * PAGE, 0);
}

static int64_t lock_all(struct vm_process *process)
{
	return vm_mlockall(process, MCL_CURRENT | MCL_ONFAULT);
}

static int64_t lock_most(struct vm_process *process)
{
	return vm_mlock(process, AT(0, 0), 5 * PIECE_SIZE, MLOCK_ONFAULT);
}

static int64_t unlock(struct vm_process *process)
{
	return vm_munlock(process, AT(0, 1), 4 * PIECE_SIZE);
}

static int64_t advise(struct vm_process *process, uint64_t pieces, int advice)
{
	return vm_madvise(process, AT(0, 1), pieces * PIECE_SIZE, advice);
}

static int64_t give_up_pages(struct vm_process *process)
{
	return advise(process, 4, MADV_DONTNEED);
}

static int64_t give_up_lazily(struct vm_process *process)
{
	return advise(process, 1, MADV_FREE);
}

static int64_t guard(struct vm_process *process)
{
	return advise(process, 2, MADV_GUARD_INSTALL);
}

static int64_t unguard(struct vm_process *process)
{
	return advise(process, 2, MADV_GUARD_REMOVE);
}

static int64_t wipe_on_fork(struct vm_process *process)
{
	return advise(process, 1, MADV_WIPEONFORK);
}

static int64_t populate(struct vm_process *process)
{
	return vm_madvise(process, AT(5, 1), PIECE_SIZE - PAGE, MADV_POPULATE_READ);
}

static int64_t populate_to_write(struct vm_process *process)
{
	return vm_madvise(process, AT(0, 0), 6 * PAGE, MADV_POPULATE_WRITE);
}

static int64_t clear_soft_dirty(struct vm_process *process)
{
	return vm_process_clear_refs(process, 4);
}

static int64_t give_heap_back(struct vm_process *process)
{
	return vm_sbrk(process, -3 * (int64_t)PAGE);
}

static int64_t grow_heap(struct vm_process *process)
{
	return vm_sbrk(process, (int64_t)PAGE);
}

static int64_t write_bytes(struct vm_process *process)
{
	uint8_t bytes[5 * VM_PAGE_SIZE];

	memset(bytes, 'w', sizeof bytes);
	ssize_t done = vm_write(process, AT(0, 0), bytes, sizeof bytes);
	return done == sizeof bytes ? 0 : MIN(done, -ENOMEM);
}

/* Not all that the child of a fork will have is the parent's. */
static int64_t prepare_fork(struct vm_process *process)
{
	int error = vm_madvise(process, AT(3, 0), PIECE_SIZE, MADV_DONTFORK);

	if (error == 0)
		error = vm_madvise(process, AT(4, 0), PIECE_SIZE, MADV_WIPEONFORK);
	return error == 0 ? vm_mlock(process, AT(2, 0), PIECE_SIZE, MLOCK_ONFAULT) : error;
}

static int64_t fork_and_end(struct vm_process *process)
{
	struct vm_cred cred = vm_process_cred(process);
	int error;
	struct vm_process *child = vm_fork(process, &cred, &error);

	if (child == NULL)
		return error;
	struct state parents = state_of(process), childs = state_of(child);
	g_assert_cmpuint(childs.areas, ==, parents.areas - 1);
	g_assert_cmpint(childs.sample[0].byte, ==, 'a');
	g_assert_cmpint(childs.sample[2 * LOOKED_AT].byte, ==, 'c');
	g_assert_false(childs.sample[2 * LOOKED_AT].locked);
	g_assert_cmpint(childs.sample[4 * LOOKED_AT].byte, ==, 0);
	end(child);
	return 0;
}

struct vm_machine *exhaustion_machine;

static int64_t spawn_and_end(struct vm_process *process)
{
	struct vm_cred cred = vm_process_cred(process);
	int error;
	struct vm_process *other = vm_process_spawn(exhaustion_machine, &cred, "other", &error);

	if (other != NULL)
		end(other);
	return error;
}

static int64_t execute(struct vm_process *process)
{
	static const char *const argv[] = {"/bin/true", NULL};
	struct vm_exec_args args = {
	    .path = argv[0], .argv = argv, .opener = {.open = exec_open, .ctx = exhaustion_machine}};
	uint64_t entry;

	return vm_exec(process, &args, &entry);
}

const struct call exhaustion_calls[] = {
    {"munmap", unmap_within, NOTHING},
    {"munmap-several", unmap_all, NOTHING},
    {"mmap-over", map_over, NOTHING},
    {"mmap-shared-over", map_shared_over, NOTHING},
    {"mmap-locked", map_locked, LENIENT},
    {"mremap-shrink", shrink, NOTHING},
    {"mremap-grow-elsewhere", grow_elsewhere, NOTHING},
    {"mremap-grow", grow_in_place, NOTHING},
    {"mremap-move", move, NOTHING},
    {"mremap-over", move_over, TARGET},
    {"mremap-several", move_several, EITHER, .first = make_hole, .once = true},
    {"mremap-dontunmap", move_and_stay, NOTHING},
    {"mprotect", protect, FIRST},
    {"mprotect-writable", unprotect, FIRST},
    {"mlock-onfault", lock, FIRST},
    {"mlock", lock_now, EITHER},
    {"mlockall", lock_all, LENIENT},
    {"munlock", unlock, FIRST, .first = lock_most},
    {"dontneed", give_up_pages, FIRST},
    {"free", give_up_lazily, FIRST},
    {"guard-install", guard, FIRST},
    {"guard-remove", unguard, FIRST, .first = guard},
    {"wipeonfork", wipe_on_fork, FIRST},
    {"populate-read", populate, NOTHING},
    {"populate-write", populate_to_write, NOTHING},
    {"clear-refs", clear_soft_dirty, NOTHING},
    {"sbrk-shrink", give_heap_back, NOTHING},
    {"sbrk-grow", grow_heap, NOTHING},
    {"write", write_bytes, FIRST},
    {"fork", fork_and_end, NOTHING, .first = prepare_fork},
    {"spawn", spawn_and_end, NOTHING},
    {"exec", execute, NOTHING},
};

const size_t exhaustion_call_count = G_N_ELEMENTS(exhaustion_calls);
