/*
 * fuzz_fixture.c - see fuzz_fixture.h.
 */
#include "tests/fuzz/fuzz_fixture.h"

#include "fs/host/hostfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { UID = 1000 }; /* not root, so that limits apply */

/* --- Files ------------------------------------------------------------------------------------ */

int fuzz_memory_file(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

void fuzz_add_file(struct fuzz *f, const char *name, const void *bytes, size_t size)
{
	int fd = fuzz_memory_file(name);

	g_assert_cmpuint(f->file_count, <, FUZZ_FILES);
	g_assert_cmpint(pwrite(fd, bytes, size, 0), ==, (ssize_t)size);
	f->files[f->file_count++] = (struct fuzz_file){name, fd};
}

static int open_again(int fd, int access)
{
	g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);

	return open(path, access | O_CLOEXEC);
}

static struct vm_file *open_file(const struct fuzz *f, const char *path, int access, int *error)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;

	*error = -ENOENT;
	for (size_t i = 0; i < f->file_count; i++)
		if (strcmp(f->files[i].name, name) == 0)
			return vm_file_new(f->mount.machine, open_again(f->files[i].fd, access),
			                   access, 0, error);
	return NULL;
}

struct vm_file *hostfile_open(struct hostfile_context *context, const char *path, int access,
                              int *error)
{
	return open_file((const struct fuzz *)context->mount, path, access, error);
}

static struct vm_file *open_for_exec(void *ctx, const char *path, bool executable, int *error)
{
	const struct hostfile_context *context = ctx;

	return open_file((const struct fuzz *)context->mount, path, O_RDONLY, error);
}

struct vm_opener hostfile_opener(struct hostfile_context *context)
{
	return (struct vm_opener){.open = open_for_exec, .ctx = context};
}

/* --- The machine ------------------------------------------------------------------------------ */

void fuzz_start(struct fuzz *f, const struct vm_config *config)
{
	struct vm_config quiet = *config;

	quiet.dirty_writeback_centisecs = 0;
	*f = (struct fuzz){
	    .mount = {.machine = vm_machine_new(&quiet, NULL), .daemon_uid = UID},
	    .caller = {UID, UID, getpid()},
	};
	g_assert_nonnull(f->mount.machine);
	vm_machine_info(f->mount.machine, &f->fresh);
}

struct vm_process *fuzz_spawn(struct fuzz *f, uint64_t as)
{
	const struct vm_cred cred = {UID, UID};
	int error;
	struct vm_process *process = vm_process_spawn(f->mount.machine, &cred, "fuzz", &error);

	g_assert_nonnull(process);
	g_assert_cmpint(vm_process_set_limit(process, VM_LIMIT_AS, as, as), ==, 0);
	return process;
}

void fuzz_check(struct fuzz *f)
{
	g_autofree char *wrong = vm_machine_check(f->mount.machine);

	g_assert_cmpstr(wrong, ==, NULL);
}

static void end_processes(struct fuzz *f)
{
	struct vm_machine *machine = f->mount.machine;

	for (pid_t pid = 0; (pid = vm_machine_next_pid(machine, pid)) != 0;) {
		struct vm_process *process = vm_process_find(machine, pid);

		g_assert_cmpint(vm_process_kill(process, SIGKILL), ==, 0);
		vm_process_unref(process);
	}
}

static bool count_object(void *ctx, const struct vm_object_info *object)
{
	++*(unsigned *)ctx;
	return true;
}

static void assert_nothing_left(struct fuzz *f)
{
	struct vm_machine_info info;
	unsigned objects = 0;

	vm_machine_info(f->mount.machine, &info);
	g_assert_cmpuint(info.processes, ==, 0);
	g_assert_cmpuint(info.frames_free, ==, info.frames_total);
	g_assert_cmpuint(info.tables, ==, f->fresh.tables);
	g_assert_cmpuint(info.committed, ==, 0);
	g_assert_cmpuint(info.locked, ==, 0);
	g_assert_cmpuint(info.swap_used, ==, 0);
	vm_machine_objects(f->mount.machine, 0, count_object, &objects);
	g_assert_cmpuint(objects, ==, 0);
}

void fuzz_end(struct fuzz *f)
{
	end_processes(f);
	fuzz_check(f);
	assert_nothing_left(f);
	vm_machine_free(f->mount.machine);
	for (size_t i = 0; i < f->file_count; i++)
		close(f->files[i].fd);
}

/* --- libFuzzer -------------------------------------------------------------------------------- */

/* GLib ends a program with a signal that libFuzzer does not catch, so end it in another way. */
static void end_program(const char *domain, GLogLevelFlags level, const char *message,
                        gpointer unused)
{
	g_log_default_handler(domain, level & ~G_LOG_FLAG_FATAL, message, unused);
	if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	g_log_set_default_handler(end_program, NULL);
	return 0;
}
