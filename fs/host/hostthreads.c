/*
 * hostthreads.c - see hostthreads.h.
 */
#include "fs/host/hostthreads.h"

#include "util/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_MAX = 1 << 16 };

static int compare_tids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

/* The threads of the process, the first one first: a GArray of pid_t. */
static GArray *list_threads(int proc, pid_t pid)
{
	GArray *tids = g_array_new(FALSE, FALSE, sizeof(pid_t));
	int fd = proc_open_file(proc, O_RDONLY | O_DIRECTORY, "%d/task", (int)pid);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return tids;
	}
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		pid_t tid = atoi(entry->d_name);
		if (tid > 0 && tid != pid && tids->len < THREADS_MAX)
			g_array_append_val(tids, tid);
	}
	closedir(dir);
	if (tids->len > 0)
		qsort(tids->data, tids->len, sizeof(pid_t), compare_tids);
	g_array_prepend_val(tids, pid);
	return tids;
}

/* What the text of task/TID/syscall says: "running", or number, arguments, sp and pc. */
static void parse_registers(const char *text, struct vm_regs *regs)
{
	uint64_t sp, pc, args[6];
	int64_t number;

	*regs = (struct vm_regs){.orig_rax = UINT64_MAX, .eflags = 0x202, .cs = 0x33, .ss = 0x2b};
	if (sscanf(text, "-1 0x%" SCNx64 " 0x%" SCNx64, &sp, &pc) == 2) {
		regs->rsp = sp;
		regs->rip = pc;
	} else if (sscanf(text,
	                  "%" SCNd64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64
	                  " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64 " 0x%" SCNx64,
	                  &number, &args[0], &args[1], &args[2], &args[3], &args[4], &args[5], &sp,
	                  &pc) == 9) {
		*regs = (struct vm_regs){.rdi = args[0],
		                         .rsi = args[1],
		                         .rdx = args[2],
		                         .r10 = args[3],
		                         .r8 = args[4],
		                         .r9 = args[5],
		                         .rsp = sp,
		                         .rip = pc,
		                         .orig_rax = (uint64_t)number,
		                         .rax = (uint64_t)-ENOSYS,
		                         .eflags = 0x202,
		                         .cs = 0x33,
		                         .ss = 0x2b};
	}
}

int hostthreads_read(int proc, pid_t pid, struct vm_image *image)
{
	g_autoptr(GArray) tids = list_threads(proc, pid);

	for (guint i = 0; i < tids->len; i++) {
		pid_t tid = g_array_index(tids, pid_t, i);
		g_autofree char *text = proc_read(proc, "%d/task/%d/syscall", (int)pid, (int)tid);
		struct vm_thread *thread = vm_image_add_thread(image);
		if (thread == NULL)
			return -ENOMEM;
		thread->lwp = tid;
		parse_registers(text != NULL ? text : "", &thread->regs);
	}
	return 0;
}
