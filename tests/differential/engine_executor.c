/*
 * engine_executor.c - see engine_executor.h.
 *
 * The host sees a change of a file at once. The engine must do so too, so after each change a
 * process of our own, which maps every file, calls msync with MS_INVALIDATE.
 */
#include "tests/differential/engine_executor.h"
#include "tests/differential/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCH_PLACE UINT64_C(0x10000000)

enum { ROOMY_FRAMES = 4096, SMALL_FRAMES = 16, SLOTS_OF_SWAP = 16384, AREAS_AT_START = 1 };

static const int mode_access[MODES] = {O_RDONLY, O_WRONLY, O_RDWR};

/* --- Accesses --------------------------------------------------------------------------------- */

static void hash_bytes(void *ctx, const struct iovec *iov, int count)
{
	uint64_t *hash = ctx;

	for (int i = 0; i < count; i++)
		for (size_t at = 0; at < iov[i].iov_len; at++)
			*hash = hash_step(*hash, ((const uint8_t *)iov[i].iov_base)[at]);
}

static void run_load(struct engine *e, struct vm_process *process, const struct step *step,
                     struct outcome *outcome)
{
	uint64_t done = 0;

	outcome->value = HASH_START;
	while (done < step->arg[1]) {
		ssize_t n = vm_read(process, step->arg[0] + done, step->arg[1] - done, hash_bytes,
		                    &outcome->value);
		if (n < 0) {
			engine_take_signal(process, n, &outcome->signal, &outcome->code);
			break;
		}
		done += (uint64_t)n;
	}
	outcome->result = (int64_t)done;
}

/* The area of an access to LEN bytes at VA, and what the access would find there. */
struct target {
	struct engine *engine;
	uint64_t va, len;
	bool past_end, found, executable;
};

static bool look_past_end(void *ctx, const struct vm_area_info *area)
{
	struct target *target = ctx;
	struct stat status;

	if (target->va + target->len <= area->start || target->va >= area->end ||
	    area->perm[3] != 's' || area->ino == 0)
		return true;
	uint64_t last = MIN(target->va + target->len, area->end) - area->start + area->offset;
	for (int i = 0; i < FILES; i++)
		if (stat(target->engine->path[i], &status) == 0 && status.st_ino == area->ino &&
		    last > (uint64_t)status.st_size)
			target->past_end = true;
	return true;
}

/*
 * Whether the store would change bytes past the end of a file. The file's last page holds them
 * until it is written back, and nobody knows when the host does that.
 */
static bool stores_past_end(struct engine *e, struct vm_process *process, const struct step *step)
{
	struct target target = {.engine = e, .va = step->arg[0], .len = step->arg[1]};

	vm_process_areas(process, 0, look_past_end, &target);
	return target.past_end;
}

static void run_store(struct engine *e, struct vm_process *process, const struct step *step,
                      struct outcome *outcome)
{
	uint8_t bytes[16];
	uint64_t done = 0;

	if (stores_past_end(e, process, step)) {
		outcome->result = SKIPPED;
		return;
	}
	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(step->arg[2] + i);
	while (done < step->arg[1]) {
		ssize_t n =
		    vm_write(process, step->arg[0] + done, bytes + done, step->arg[1] - done);
		if (n < 0) {
			engine_take_signal(process, n, &outcome->signal, &outcome->code);
			break;
		}
		done += (uint64_t)n;
	}
	outcome->result = (int64_t)done;
}

/* The area that covers a target, or may grow down to it. */
static bool look_executable(void *ctx, const struct vm_area_info *area)
{
	struct target *target = ctx;

	if (target->va >= area->end || target->found)
		return true;
	target->found = true;
	target->executable = area->perm[2] == 'x';
	return true;
}

/*
 * The host really executes what is there. So fetch only if the byte is known to be a return
 * instruction, or will not be executed.
 */
static void run_fetch(struct engine *e, struct vm_process *process, const struct step *step,
                      struct outcome *outcome)
{
	struct target target = {.engine = e, .va = step->arg[0], .len = 1};
	uint8_t byte = 0;

	vm_process_areas(process, 0, look_executable, &target);
	vm_peek(process, target.va, &byte, 1);
	if (target.executable && byte != RETURN) {
		outcome->result = SKIPPED;
		return;
	}
	int error = vm_access(process, target.va, 1, VM_ACCESS_EXEC, NULL, NULL);
	outcome->result = error == 0;
	if (error != 0)
		engine_take_signal(process, error, &outcome->signal, &outcome->code);
}

/* --- Calls ------------------------------------------------------------------------------------ */

#define CALL(name, expression) \
	static void run_##name(struct engine *e, struct vm_process *process, \
	                       const struct step *step, struct outcome *outcome) \
	{ \
		const uint64_t *arg = step->arg; \
		outcome->result = (expression); \
		(void)arg; \
	}

CALL(mmap, vm_mmap(process, arg[0], arg[1], (int)arg[2], (int)arg[3],
                   arg[4] < BAD_FILE ? e->file[arg[4]] : NULL, arg[5]))
CALL(munmap, vm_munmap(process, arg[0], arg[1]))
CALL(mprotect, vm_mprotect(process, arg[0], arg[1], (int)arg[2]))
CALL(mremap, vm_mremap(process, arg[0], arg[1], arg[2], (int)arg[3], arg[4]))
CALL(brk, vm_brk(process, arg[0]))
CALL(msync, vm_msync(process, arg[0], arg[1], (int)arg[2]))
CALL(mlock, vm_mlock(process, arg[0], arg[1], 0))
CALL(mlock2, vm_mlock(process, arg[0], arg[1], (int)arg[2]))
CALL(munlock, vm_munlock(process, arg[0], arg[1]))
CALL(mlockall, vm_mlockall(process, (int)arg[0]))
CALL(munlockall, vm_munlockall(process))

CALL(madvise, vm_madvise(process, arg[0], arg[1], (int)arg[2]))

/* The pages of a mincore whose state is undefined. */
struct vague_pages {
	struct engine *engine;
	uint64_t start, end, bits;
};

static uint64_t pages_before(const struct vague_pages *pages, uint64_t va)
{
	uint64_t count = va > pages->start ? (MIN(va, pages->end) - pages->start) / PAGE : 0;

	return count >= MINCORE_BITS ? UINT64_MAX : (UINT64_C(1) << count) - 1;
}

/* Which pages of files are in memory is up to the host. */
static bool note_file(void *ctx, const struct vm_area_info *area)
{
	struct vague_pages *pages = ctx;

	if (engine_which_file(pages->engine, area->ino) >= 0 &&
	    engine_which_file(pages->engine, area->ino) < FILES)
		pages->bits |= pages_before(pages, area->end) & ~pages_before(pages, area->start);
	return true;
}

/* Linux does not copy entries of the zero page when it forks. */
static bool note_zero_page(void *ctx, const struct vm_entry_info *entry)
{
	struct vague_pages *pages = ctx;

	if (entry->level == VM_PTE && entry->zero)
		pages->bits |=
		    pages_before(pages, entry->va + PAGE) & ~pages_before(pages, entry->va);
	return true;
}

static void run_mincore(struct engine *e, struct vm_process *process, const struct step *step,
                        struct outcome *outcome)
{
	uint64_t start = step->arg[0], len = step->arg[1];
	struct vague_pages pages = {e, start, start + (len + PAGE - 1) / PAGE * PAGE, 0};
	struct vm_machine_info machine;
	uint8_t vector[MINCORE_ROOM];

	outcome->result = vm_mincore(process, start, len, vector);
	if (outcome->result != 0)
		return;
	for (uint64_t i = 0; i < MINCORE_BITS && i * PAGE < len; i++)
		outcome->value |= (uint64_t)(vector[i] & 1) << i;
	vm_process_areas(process, 0, note_file, &pages);
	vm_process_entries(process, 0, note_zero_page, &pages);
	/* What the engine swapped out is still in memory on the host. */
	vm_machine_info(e->machine, &machine);
	outcome->vague = pages.bits | (machine.swap_outs > 0 ? ~outcome->value : 0);
}

static void run_setrlimit(struct engine *e, struct vm_process *process, const struct step *step,
                          struct outcome *outcome)
{
	static const enum vm_limit limits[LIMITS] = {VM_LIMIT_AS, VM_LIMIT_DATA, VM_LIMIT_STACK,
	                                             VM_LIMIT_MEMLOCK};
	const uint64_t base[LIMITS] = {(uint64_t)e->base.total * PAGE,
	                               (uint64_t)e->base.data * PAGE};
	const uint64_t *arg = step->arg;
	uint64_t soft = arg[1] == UINT64_MAX ? VM_UNLIMITED : arg[1] + base[arg[0]];
	uint64_t hard = arg[2] == UINT64_MAX ? VM_UNLIMITED : arg[2] + base[arg[0]];

	outcome->result = vm_process_set_limit(process, limits[arg[0]], soft, hard);
}

static void run_fork(struct engine *e, struct vm_process *process, const struct step *step,
                     struct outcome *outcome)
{
	struct vm_cred cred = vm_process_cred(process);
	int error = 0;

	outcome->result = SKIPPED;
	if (e->process[step->arg[0]] != NULL)
		return;
	e->process[step->arg[0]] = vm_fork(process, &cred, &error);
	e->forked[step->slot] = e->forked[step->arg[0]] = true;
	outcome->result = error;
}

static void end_slot(struct engine *e, unsigned slot)
{
	if (e->process[slot] == NULL)
		return;
	vm_process_exit(e->process[slot], 0);
	g_clear_pointer(&e->process[slot], vm_process_unref);
}

static void run_exit(struct engine *e, struct vm_process *process, const struct step *step,
                     struct outcome *outcome)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		alive += e->process[i] != NULL;
	if (alive == 1)
		outcome->result = SKIPPED;
	else
		end_slot(e, step->slot);
}

/* --- Files ------------------------------------------------------------------------------------ */

/*
 * The file was changed through FD. File systems stamp a file with the time of the last clock tick,
 * so a second change within a tick would not show. Set a new time, and let the engine notice.
 */
static void make_known(struct engine *e, unsigned file, int fd)
{
	struct timespec times[2] = {{.tv_sec = ++e->stamp}, {.tv_sec = e->stamp}};

	g_assert_cmpint(futimens(fd, times), ==, 0);
	close(fd);
	vm_msync(e->watcher, WATCH_PLACE + file * PAGE, PAGE, MS_INVALIDATE);
}

static void run_file_write(struct engine *e, struct vm_process *process, const struct step *step,
                           struct outcome *outcome)
{
	int fd = open(e->path[step->arg[0]], O_RDWR | O_CLOEXEC);
	uint8_t bytes[VM_PAGE_SIZE];

	for (uint64_t i = 0; i < step->arg[2]; i++)
		bytes[i] = (uint8_t)(step->arg[3] + i);
	vm_machine_sync(e->machine);
	outcome->result = pwrite(fd, bytes, step->arg[2], (off_t)step->arg[1]);
	make_known(e, (unsigned)step->arg[0], fd);
}

static void run_file_resize(struct engine *e, struct vm_process *process, const struct step *step,
                            struct outcome *outcome)
{
	int fd = open(e->path[step->arg[0]], O_RDWR | O_CLOEXEC);

	vm_machine_sync(e->machine);
	outcome->result = ftruncate(fd, (off_t)step->arg[1]);
	make_known(e, (unsigned)step->arg[0], fd);
}

/* One row for each call. */
static void (*const calls[CALLS])(struct engine *e, struct vm_process *process,
                                  const struct step *step, struct outcome *outcome) = {
    [CALL_MMAP] = run_mmap,
    [CALL_MUNMAP] = run_munmap,
    [CALL_MPROTECT] = run_mprotect,
    [CALL_MREMAP] = run_mremap,
    [CALL_BRK] = run_brk,
    [CALL_MSYNC] = run_msync,
    [CALL_MLOCK] = run_mlock,
    [CALL_MLOCK2] = run_mlock2,
    [CALL_MUNLOCK] = run_munlock,
    [CALL_MLOCKALL] = run_mlockall,
    [CALL_MUNLOCKALL] = run_munlockall,
    [CALL_MADVISE] = run_madvise,
    [CALL_MINCORE] = run_mincore,
    [CALL_SETRLIMIT] = run_setrlimit,
    [CALL_FORK] = run_fork,
    [CALL_EXIT] = run_exit,
    [CALL_LOAD] = run_load,
    [CALL_STORE] = run_store,
    [CALL_FETCH] = run_fetch,
    [CALL_FILE_WRITE] = run_file_write,
    [CALL_FILE_RESIZE] = run_file_resize,
};

/* --- The machine ------------------------------------------------------------------------------ */

static int swap_file(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(ftruncate(fd, SLOTS_OF_SWAP * PAGE), ==, 0);
	return fd;
}

/*
 * The files belong to OWNER. On the host, too, they belong to the user of the processes, even
 * without capabilities.
 */
static void open_files(struct engine *e, const char *dir, const struct vm_cred *owner)
{
	for (int i = 0; i < FILES; i++)
		e->path[i] = g_strdup_printf("%s/engine-%d", dir, i);
	make_files(e->path);
	for (int i = 0; i < FILES; i++)
		g_assert_cmpint(chown(e->path[i], owner->uid, owner->gid), ==, 0);
	for (int i = 0; i < FILES * MODES; i++) {
		int error, fd = open(e->path[i / MODES], mode_access[i % MODES] | O_CLOEXEC);
		e->file[i] = vm_file_new(e->machine, fd, mode_access[i % MODES], 0, &error);
		g_assert_nonnull(e->file[i]);
	}
}

/* The host's value of a file in /proc/sys/vm. */
static uint64_t host_knob(const char *name)
{
	g_autofree char *path = g_build_filename("/proc/sys/vm", name, NULL), *text = NULL;

	return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static void begin(struct engine *e, const struct program *program, const char *dir)
{
	struct vm_cred cred = {.uid = program->unprivileged ? MAX(getuid(), 1) : getuid(),
	                       .gid = getgid()};
	struct vm_config config;
	int error;

	vm_config_init(&config);
	config.ram = (program->small ? SMALL_FRAMES : ROOMY_FRAMES) * PAGE;
	config.swap = SLOTS_OF_SWAP * PAGE;
	config.swap_medium = vm_host_medium(swap_file(dir));
	config.dirty_writeback_centisecs = 0;
	/* What a process sees does not depend on it. */
	config.fork_copy = program->seed % 2;
	if (program->areas > 0)
		config.max_map_count = program->areas + AREAS_AT_START;
	config.overcommit_memory = (unsigned)host_knob("overcommit_memory");
	e->machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(e->machine);
	open_files(e, dir, &cred);
	e->process[0] = vm_process_spawn(e->machine, &cred, "differential", &error);
	e->base = engine_sizes(e->process[0]);
	g_assert_true(e->base.total == START_SIZE / PAGE && e->base.data == 0);
	e->watcher = vm_process_spawn(e->machine, &cred, "watcher", &error);
	for (unsigned i = 0; i < FILES; i++)
		vm_mmap(e->watcher, WATCH_PLACE + i * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
		        e->file[i * MODES], 0);
}

static void check(struct engine *e, uint32_t step, struct answers *answers)
{
	g_autofree char *wrong = vm_machine_check(e->machine);

	if (wrong == NULL || answers->broken != NULL)
		return;
	answers->broken = g_strdup_printf("vm_machine_check: %s", wrong);
	answers->broken_step = step;
}

static void check_empty(struct engine *e, uint32_t step, struct answers *answers)
{
	struct vm_machine_info info;

	check(e, step, answers);
	vm_machine_info(e->machine, &info);
	if (answers->broken != NULL ||
	    (info.frames_free == info.frames_total && info.committed == 0 && info.swap_used == 0))
		return;
	answers->broken =
	    g_strdup_printf("left over at the end: %lu frames, %lu pages committed, %lu swap slots",
	                    info.frames_total - info.frames_free, info.committed, info.swap_used);
	answers->broken_step = step;
}

static void end(struct engine *e, const struct program *program, struct answers *answers)
{
	for (unsigned i = 0; i < SLOTS; i++)
		end_slot(e, i);
	vm_process_exit(e->watcher, 0);
	vm_process_unref(e->watcher);
	vm_machine_sync(e->machine);
	for (int i = 0; i < FILES * MODES; i++)
		vm_file_unref(e->file[i]);
	check_empty(e, program->steps, answers);
	vm_machine_free(e->machine);
	read_contents(answers, e->path);
	for (int i = 0; i < FILES; i++)
		g_free(e->path[i]);
}

void engine_run(const struct program *program, const char *dir, unsigned check_every,
                struct answers *answers)
{
	struct engine engine = {.stamp = 1};

	begin(&engine, program, dir);
	for (uint32_t i = 0; i < program->steps; i++) {
		const struct step *step = &program->step[i];
		struct outcome *outcome = &answers->outcome[i];
		*outcome = (struct outcome){.result = 0};
		if (engine.process[step->slot] != NULL)
			calls[step->call](&engine, engine.process[step->slot], step, outcome);
		else
			outcome->result = SKIPPED;
		if (i % check_every == 0)
			check(&engine, i, answers);
	}
	for (unsigned i = 0; i < SLOTS; i++)
		engine_look(&engine, i, &answers->picture[i]);
	for (unsigned i = 0; i < SLOTS; i++)
		if (engine.process[i] != NULL)
			engine_dump(engine.process[i], &answers->picture[i]);
	check(&engine, program->steps, answers);
	end(&engine, program, answers);
}
