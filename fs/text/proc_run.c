/*
 * proc_run.c - of a process that runs a program: its registers, its last system calls.
 */
#include "fs/run/control.h"
#include "fs/text/render.h"

#include <inttypes.h>

int view_regs(GString *out, struct fs_mount *mount, struct vm_process *process,
              const struct fs_caller *caller)
{
	struct vm_thread thread;
	const char *name;

	control_thread(mount->run, process, &thread);
	for (unsigned i = 0; (name = control_reg_name(i)) != NULL; i++)
		g_string_append_printf(out, "%s 0x%" PRIx64 "\n", name,
		                       control_reg_value(&thread.regs, i));
	return 0;
}

int view_calls(GString *out, struct fs_mount *mount, struct vm_process *process,
               const struct fs_caller *caller)
{
	struct program *program;

	if (mount->run == NULL)
		return 0;
	run_lock(mount->run);
	program = program_find_locked(mount->run, vm_process_pid(process));
	run_unlock(mount->run);
	if (program == NULL)
		return 0;
	call_log_show(&program->log, out);
	program_unref(program);
	return 0;
}
