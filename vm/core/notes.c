#include "vm/core/notes.h"
#include "vm/look/bytes.h"

#include <elf.h>
#include <signal.h>
#include <sys/procfs.h>

/* The largest NT_FILE that Linux writes, bytes (MAX_FILE_NOTE_SIZE); a larger one is left out. */
enum { FILE_NOTE_MAX = 4 << 20 };

G_STATIC_ASSERT(sizeof(struct vm_regs) == sizeof(elf_gregset_t));
G_STATIC_ASSERT(sizeof(siginfo_t) == 128);

/* --- Notes ------------------------------------------------------------------------------------ */

/* Room for a note of TYPE with LEN bytes, which the caller fills. NULL: no memory. */
static void *note_begin(struct buffer *notes, uint32_t type, size_t len)
{
	static const char owner[8] = "CORE";
	const Elf64_Nhdr header = {.n_namesz = 5, .n_descsz = (uint32_t)len, .n_type = type};
	size_t start = notes->len + sizeof header + sizeof owner;

	buffer_add(notes, &header, sizeof header);
	buffer_add(notes, owner, sizeof owner);
	return buffer_extend(notes, (len + 3) & ~(size_t)3) != NULL ? notes->bytes + start : NULL;
}

static void note_add(struct buffer *notes, uint32_t type, const void *bytes, size_t len)
{
	void *to = note_begin(notes, type, len);

	if (to != NULL)
		memcpy(to, bytes, len);
}

/* Linux writes the signal into all of them, and gdb looks at the last one. */
static void add_status(struct buffer *notes, const struct vm_process_info *info,
                       const struct vm_thread *thread)
{
	struct elf_prstatus status = {.pr_info = {.si_signo = info->last_signal},
	                              .pr_cursig = (short)info->last_signal,
	                              .pr_pid = thread->lwp != 0 ? thread->lwp : thread->tid,
	                              .pr_ppid = info->ppid,
	                              .pr_pgrp = info->pid,
	                              .pr_sid = info->pid,
	                              .pr_fpvalid = 1};

	memcpy(&status.pr_reg, &thread->regs, sizeof status.pr_reg);
	note_add(notes, NT_PRSTATUS, &status, sizeof status);
}

/* Fill ARGS with the arguments of PROCESS, as far as there is room, with blanks between them. */
static void read_arguments(struct vm_process *process, const struct vm_layout *layout,
                           char args[ELF_PRARGSZ])
{
	size_t len = (size_t)MIN(layout->arg_end - layout->arg_start, ELF_PRARGSZ - 1);

	if (layout->arg_end <= layout->arg_start)
		return;
	look_bytes(process, layout->arg_start, args, len);
	for (size_t i = 0; i < len; i++)
		if (args[i] == '\0')
			args[i] = ' ';
}

static void add_process(struct buffer *notes, struct vm_process *process,
                        const struct vm_process_info *info, bool arguments)
{
	struct elf_prpsinfo ps = {.pr_state = 0,
	                          .pr_sname = 'R',
	                          .pr_uid = info->cred.uid,
	                          .pr_gid = info->cred.gid,
	                          .pr_pid = info->pid,
	                          .pr_ppid = info->ppid,
	                          .pr_pgrp = info->pid,
	                          .pr_sid = info->pid};

	memcpy(ps.pr_fname, info->comm, sizeof ps.pr_fname);
	if (arguments)
		read_arguments(process, &info->layout, ps.pr_psargs);
	note_add(notes, NT_PRPSINFO, &ps, sizeof ps);
}

/* The last fatal fault; all 0 if there was none. */
static void add_signal(struct buffer *notes, const struct vm_process_info *info)
{
	siginfo_t signal = {.si_signo = info->last_signal, .si_code = info->last_code};

	signal.si_addr = (void *)(uintptr_t)info->last_address; // NOLINT: an address of the process
	note_add(notes, NT_SIGINFO, &signal, sizeof signal);
}

static void add_auxv(struct buffer *notes, struct vm_process *process)
{
	size_t len;
	g_autofree uint64_t *auxv = vm_process_auxv(process, &len);

	if (auxv != NULL)
		note_add(notes, NT_AUXV, auxv, len);
}

static void add_files(struct buffer *notes, const struct segments *segments)
{
	const uint64_t head[] = {segments->files, VM_PAGE_SIZE};
	size_t ranges = segments->ranges.len, names = segments->names.len;

	if (segments->files == 0 || sizeof head + ranges + names > FILE_NOTE_MAX)
		return;
	uint8_t *to = note_begin(notes, NT_FILE, sizeof head + ranges + names);
	if (to == NULL)
		return;
	memcpy(to, head, sizeof head);
	memcpy(to + sizeof head, segments->ranges.bytes, ranges);
	memcpy(to + sizeof head + ranges, segments->names.bytes, names);
}

void notes_add(struct buffer *notes, struct vm_process *process, const struct vm_thread *main,
               const struct segments *segments)
{
	static const struct vm_thread unknown;
	const struct vm_thread *first = main != NULL ? main : &unknown;
	struct vm_process_info info;
	struct vm_thread thread;

	vm_process_info(process, &info);
	add_status(notes, &info, first);
	add_process(notes, process, &info, main != NULL);
	add_signal(notes, &info);
	add_auxv(notes, process);
	add_files(notes, segments);
	note_add(notes, NT_FPREGSET, first->fpu, sizeof first->fpu);
	for (unsigned i = 1; vm_process_thread(process, i, &thread); i++) {
		add_status(notes, &info, &thread);
		note_add(notes, NT_FPREGSET, thread.fpu, sizeof thread.fpu);
	}
}
