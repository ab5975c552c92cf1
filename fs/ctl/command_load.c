#include "fs/ctl/command_load.h"

#include "fs/host/hostfile.h"
#include "fs/host/hostsnapshot.h"
#include "vm/vm_core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#define WHY_NO_AREAS "you or all users together have too much: areas, tables of areas, or texts"
#define WHY_NO_PROCESSES "you or all users together have too many processes"

const struct command_reason load_reasons[] = {
    {EAGAIN, WHY_NO_PROCESSES},
    {EIO, "the file cannot be read"},
    {ENFILE, "you or all users together have too many files open"},
    {ENOEXEC, "it is not a core file of x86-64"},
    {ENOMEM, WHY_NO_AREAS},
    {0, NULL},
};

const struct command_reason attach_reasons[] = {
    {EACCES, "you may not look into that process (ptrace's check)"},
    {EAGAIN, WHY_NO_PROCESSES},
    {EBUSY, "it is the process that runs this mount"},
    {ENFILE, "you or all users together have too many files open"},
    {ENOEXEC, "it has no memory: it is a thread of the kernel, or has ended"},
    {ENOMEM, WHY_NO_AREAS},
    {ENOSPC, "the disk has no room for a copy of its memory (TMPDIR of vasfs)"},
    {EPERM, "you may not look into that process (ptrace's check)"},
    {ESRCH, "no such process on the host, as far as vasfs can see"},
    {0, NULL},
};

/* Make the process of IMAGE and answer its pid. Clears IMAGE. */
static int make(struct command_call *call, struct vm_image *image, int error)
{
	const struct vm_cred cred = {call->caller->uid, call->caller->gid};
	struct vm_process *process = NULL;

	if (error == 0)
		process = vm_process_load(call->mount->machine, &cred, image, &error);
	vm_image_clear(image);
	if (process == NULL)
		return error;
	command_answer(call, "%d", (int)vm_process_pid(process));
	vm_process_unref(process);
	return 0;
}

int command_load(struct command_call *call)
{
	struct hostfile_context context = {call->mount, call->caller};
	struct vm_opener opener = hostfile_opener(&context);
	struct vm_image image;
	int error;
	struct vm_file *file = command_file(call, 1, O_RDONLY, &error);

	if (file == NULL)
		return error;
	vm_image_init(&image, file);
	vm_file_unref(file);
	error = vm_core_parse(&image, &opener);
	/* What failed on the way is not why the whole does. */
	if (error == 0)
		vm_reason_clear();
	if (call->count > 2)
		g_strlcpy(image.comm, call->words[2], sizeof image.comm);
	return make(call, &image, error);
}

int command_attach(struct command_call *call)
{
	struct vm_image image;
	uint64_t pid;

	if (!command_number(call, 1, "HOSTPID", &pid))
		return -EINVAL;
	if (pid == 0 || pid > INT_MAX)
		return -ESRCH;
	int error = hostsnapshot_take(call->mount, call->caller, (pid_t)pid, &image);
	if (error == 0)
		vm_reason_clear();
	return make(call, &image, error);
}
