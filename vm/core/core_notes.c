/*
 * core_notes.c - the notes of a core file: see core_file.h. Notes that are too short for their type
 * are passed over, and so are those of other owners than CORE.
 */
#include "vm/core/core_file.h"

#include <errno.h>
#include <signal.h>
#include <sys/procfs.h>

/* --- What each says --------------------------------------------------------------------------- */

/* One note: its LEN bytes begin at OFFSET in the file. */
struct note {
	uint64_t offset;
	uint32_t len;
};

/* Read the first LEN bytes of NOTE. False: it has not so many. */
static bool note_read(const struct core_file *core, const struct note *note, void *buf, size_t len)
{
	return note->len >= len && core_read_file(core, buf, len, note->offset) == len;
}

/* Whether SIGNAL ends a program: a debugger notes the one by which it stopped it. */
static bool is_fatal(int signal)
{
	return signal > 0 && signal <= SIGRTMAX && signal != SIGSTOP && signal != SIGTSTP &&
	       signal != SIGTTIN && signal != SIGTTOU && signal != SIGTRAP && signal != SIGCONT;
}

static int take_status(struct core_file *core, const struct note *note)
{
	struct vm_image *image = core->image;
	struct elf_prstatus status;

	if (!note_read(core, note, &status, sizeof status) ||
	    image->threads.len >= CORE_THREADS_MAX)
		return 0;
	struct vm_thread *thread = vm_image_add_thread(image);
	if (thread == NULL)
		return -ENOMEM;
	thread->lwp = MAX(status.pr_pid, 0);
	memcpy(&thread->regs, &status.pr_reg, sizeof thread->regs);
	if (image->threads.len == 1 && image->signal == 0 && is_fatal(status.pr_cursig))
		image->signal = status.pr_cursig;
	return 0;
}

/* It belongs to the thread before it. */
static int take_fpu(struct core_file *core, const struct note *note)
{
	struct array *threads = &core->image->threads;
	uint8_t fpu[VM_FPU_LEN];

	if (threads->len > 0 && note_read(core, note, fpu, sizeof fpu))
		memcpy(ARRAY_AT(threads, struct vm_thread, threads->len - 1).fpu, fpu, sizeof fpu);
	return 0;
}

static int take_process(struct core_file *core, const struct note *note)
{
	struct elf_prpsinfo ps;

	if (note_read(core, note, &ps, sizeof ps)) {
		G_STATIC_ASSERT(sizeof ps.pr_fname == sizeof core->image->comm);
		memcpy(core->image->comm, ps.pr_fname, sizeof ps.pr_fname);
		core->image->comm[sizeof ps.pr_fname - 1] = '\0';
	}
	return 0;
}

/* The kernel fills in an address for a fault only. */
static int take_signal(struct core_file *core, const struct note *note)
{
	siginfo_t signal;

	if (!note_read(core, note, &signal, sizeof signal) || !is_fatal(signal.si_signo))
		return 0;
	core->image->signal = signal.si_signo;
	core->image->code = signal.si_code;
	if (signal.si_signo == SIGSEGV || signal.si_signo == SIGBUS)
		core->image->address = (uint64_t)(uintptr_t)signal.si_addr;
	return 0;
}

static int take_auxv(struct core_file *core, const struct note *note)
{
	struct vm_image *image = core->image;
	size_t len = MIN(note->len, sizeof image->auxv) & ~(size_t)15;

	if (note_read(core, note, image->auxv, len))
		image->auxv_len = (unsigned)(len / sizeof image->auxv[0]);
	return 0;
}

uint64_t core_auxv(const struct vm_image *image, uint64_t key)
{
	for (unsigned i = 0; i + 1 < image->auxv_len; i += 2)
		if (image->auxv[i] == key)
			return image->auxv[i + 1];
	return 0;
}

/* --- NT_FILE ---------------------------------------------------------------------------------- */

/* Append the entry with the three words RANGE and NAME, if it is one. 0 or -ENOMEM. */
static int add_entry(struct core_file *core, const uint64_t range[3], uint64_t unit,
                     const char *name)
{
	uint64_t offset;

	if (range[0] >= range[1] || range[1] > VM_USER_END ||
	    (range[0] | range[1]) % VM_PAGE_SIZE != 0 || name[0] == '\0' ||
	    __builtin_mul_overflow(range[2], unit, &offset) || offset % VM_PAGE_SIZE != 0 ||
	    offset > INT64_MAX - (range[1] - range[0]))
		return 0;
	struct core_entry *entry = array_add(&core->entries, sizeof *entry);
	if (entry == NULL)
		return -ENOMEM;
	*entry = (struct core_entry){range[0], range[1], offset, name};
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct core_entry *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* Sort the entries, and leave out those that begin inside another one. */
static void sort_entries(struct core_file *core)
{
	size_t count = 0;

	if (core->entries.len > 0)
		qsort(core->entries.items, core->entries.len, sizeof(struct core_entry),
		      compare_entries);
	for (size_t i = 0; i < core->entries.len; i++)
		if (count == 0 || CORE_ENTRY(core, count - 1)->end <= CORE_ENTRY(core, i)->start)
			*CORE_ENTRY(core, count++) = *CORE_ENTRY(core, i);
	core->entries.len = count;
}

/* Parse core->file_note, LEN bytes: count, unit, three words for each, then their names. */
static int parse_files(struct core_file *core, size_t len)
{
	const uint8_t *bytes = core->file_note.bytes;
	uint64_t head[2], range[3];

	memcpy(head, bytes, sizeof head);
	if (head[0] > (len - sizeof head) / sizeof range)
		return 0;
	const char *name = (const char *)bytes + sizeof head + head[0] * sizeof range;
	const char *end = (const char *)bytes + len;
	for (uint64_t i = 0; i < head[0] && name < end; i++) {
		memcpy(range, bytes + sizeof head + i * sizeof range, sizeof range);
		int error = add_entry(core, range, head[1], name);
		if (error != 0)
			return error;
		/* A NUL stands behind the note. */
		name += strlen(name) + 1;
	}
	sort_entries(core);
	return 0;
}

static int take_files(struct core_file *core, const struct note *note)
{
	struct buffer *bytes = &core->file_note;

	if (bytes->len > 0 || note->len < 2 * sizeof(uint64_t) || note->len > CORE_FILE_NOTE_MAX)
		return 0;
	/* Nothing is allocated for what the file does not have. */
	if (note->offset > core->source.size || note->len > core->source.size - note->offset)
		return 0;
	if (buffer_extend(bytes, (size_t)note->len + 1) == NULL)
		return -ENOMEM;
	return note_read(core, note, bytes->bytes, note->len) ? parse_files(core, note->len) : 0;
}

/* --- All of them ------------------------------------------------------------------------------ */

static int take_note(struct core_file *core, uint32_t type, const struct note *note)
{
	static const struct {
		uint32_t type;
		int (*take)(struct core_file *core, const struct note *note);
	} kinds[] = {
	    {NT_PRSTATUS, take_status}, {NT_FPREGSET, take_fpu}, {NT_PRPSINFO, take_process},
	    {NT_SIGINFO, take_signal},  {NT_AUXV, take_auxv},    {NT_FILE, take_files},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].type == type)
			return kinds[i].take(core, note);
	return 0;
}

int core_notes_read(struct core_file *core, uint64_t offset, uint64_t len)
{
	struct {
		Elf64_Nhdr header;
		char owner[4];
	} start;
	uint64_t end = offset + MIN(len, UINT64_MAX - offset);
	int error = 0;

	while (error == 0 && end - offset >= sizeof start && core->notes++ < CORE_NOTES_MAX &&
	       core_read_file(core, &start, sizeof start, offset) == sizeof start) {
		uint64_t name = ((uint64_t)start.header.n_namesz + 3) & ~UINT64_C(3);
		uint64_t desc = ((uint64_t)start.header.n_descsz + 3) & ~UINT64_C(3);
		const struct note note = {offset + sizeof start.header + name,
		                          start.header.n_descsz};
		if (name + desc > end - offset - sizeof start.header)
			break;
		if (start.header.n_namesz >= 4 && start.header.n_namesz <= 5 &&
		    memcmp(start.owner, "CORE", 4) == 0)
			error = take_note(core, start.header.n_type, &note);
		offset = note.offset + desc;
		if (vm_interrupted())
			error = -EINTR;
	}
	return error;
}
