/*
 * fuzz_ctl.c - writes any text to the ctl files of a small machine and its processes, and to their
 * files of one value.
 *
 * The input is the text. A line that starts with @ is a directive and is not written. It says where
 * the following text goes, in what pieces it is written, and what else is done to the file. The
 * first target is the ctl of process 1. At the end, all text files are rendered.
 */
#include "tests/fuzz/programs.h"

#include "fs/ctl/ctl.h"
#include "fs/ctl/ctl_store.h"
#include "fs/files/textfile.h"
#include "fs/files/tree.h"

#include <stdlib.h>
#include <string.h>

enum {
	PROCESSES = 6,
	MAX_LINES = 64,
	ADDRESS_SPACE = 4 << 20, /* of a process; this bounds the time of an input */
};

struct session {
	struct fuzz fuzz;
	struct fs_ctl_open *opens[PROCESSES + 1]; /* by pid; 0 is the machine */
	pid_t target;
	size_t piece; /* bytes in one write */
};

/* --- Files in the tree ------------------------------------------------------------------------ */

/* The directory of the target; sys/vm for the machine. False if the process has ended. */
static bool find_directory(struct session *s, struct tree_node *dir)
{
	struct fs_mount *mount = &s->fuzz.mount;
	struct tree_node root;
	g_autofree char *pid = g_strdup_printf("%d", (int)s->target);

	g_assert_true(tree_find(mount, FUSE_ROOT_ID, &root));
	if (s->target != 0)
		return tree_lookup(mount, &root, pid, &s->fuzz.caller, dir);
	return tree_lookup(mount, &root, "sys", &s->fuzz.caller, &root) &&
	       tree_lookup(mount, &root, "vm", &s->fuzz.caller, dir);
}

/*
 * Whether a write to it would start the machine's own threads. They would run at different times in
 * different runs.
 */
static bool is_timer(const struct tree_file *file)
{
	return strcmp(file->name, "dirty_writeback_centisecs") == 0;
}

/* TEXT is NAME=VALUE. */
static void store_value(struct session *s, const char *text)
{
	const char *equals = strchr(text, '=');
	struct tree_node dir, node;

	if (equals == NULL || !find_directory(s, &dir))
		return;
	g_autofree char *name = g_strndup(text, (size_t)(equals - text));
	if (tree_lookup(&s->fuzz.mount, &dir, name, &s->fuzz.caller, &node)) {
		if (node.file->store != NULL && !is_timer(node.file))
			node.file->store(&s->fuzz.mount, node.process, equals + 1);
		tree_node_clear(&node);
	}
	tree_node_clear(&dir);
}

static void show_files(struct session *s)
{
	struct tree_node dir;

	if (!find_directory(s, &dir))
		return;
	for (const struct tree_file *file = NULL; (file = tree_next(dir.file, file)) != NULL;) {
		g_autoptr(GString) text = g_string_new(NULL);

		if ((file->class == &textfile_class || file->class == &valuefile_class) &&
		    !file->is_fixed && file->render != NULL)
			g_assert_cmpint(file->render(text, &s->fuzz.mount, dir.process), ==, 0);
	}
	tree_node_clear(&dir);
}

/* --- ctl files -------------------------------------------------------------------------------- */

static struct fs_ctl_open *open_of(struct session *s)
{
	struct fs_ctl_open **open = &s->opens[s->target];
	struct vm_process *process = NULL;

	if (*open != NULL)
		return *open;
	if (s->target != 0) {
		process = vm_process_find(s->fuzz.mount.machine, s->target);
		if (process == NULL)
			return NULL;
		vm_process_set_limit(process, VM_LIMIT_AS, ADDRESS_SPACE, ADDRESS_SPACE);
	}
	*open = fs_ctl_open(&s->fuzz.mount, process, 0);
	if (process != NULL)
		vm_process_unref(process);
	return *open;
}

/* A fixed mmap among the last 4095 addresses looks like an errno, maybe one that has no name. */
static void write_text(struct session *s, const char *text, size_t len)
{
	struct fs_ctl_open *open = open_of(s);

	for (size_t done = 0; open != NULL && done < len;) {
		size_t piece = MIN(s->piece, len - done);
		ssize_t taken = fs_ctl_write(open, &s->fuzz.caller, text + done, piece);

		g_assert_true(taken <= (ssize_t)piece && taken >= -4095);
		done += piece;
	}
}

/*
 * The results must not contain control characters of the input, which could command the reader's
 * terminal.
 */
static void assert_harmless(const GString *text)
{
	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->str[i];

		g_assert_true((c >= ' ' && c != 0x7f) || c == '\n');
	}
}

static void read_results(struct session *s, size_t size)
{
	struct fs_ctl_open *open = open_of(s);
	g_autoptr(GString) out = g_string_new(NULL);

	if (open == NULL)
		return;
	fs_ctl_read(open, &s->fuzz.caller, out, size);
	g_assert_cmpuint(out->len, <=, size);
	assert_harmless(out);
}

/* --- Directives ------------------------------------------------------------------------------- */

static void do_target(struct session *s, const char *text)
{
	s->target = (pid_t)(strtoul(text, NULL, 10) % (PROCESSES + 1));
}

static void do_read(struct session *s, const char *text)
{
	read_results(s, strtoul(text, NULL, 10) % 65536);
}

static void do_piece(struct session *s, const char *text)
{
	s->piece = MAX(strtoul(text, NULL, 10) % 8192, 1);
}

static void do_close(struct session *s, const char *text)
{
	struct fs_ctl_open *open = open_of(s);

	if (open != NULL)
		fs_ctl_close(open, &s->fuzz.caller);
}

static void do_free(struct session *s, const char *text)
{
	g_clear_pointer(&s->opens[s->target], fs_ctl_free);
}

static const struct directive {
	char letter;
	void (*run)(struct session *s, const char *text);
} directives[] = {
    {'t', do_target}, /* @t PID: the following text is for that process; 0: for the machine */
    {'p', do_piece},  /* @p N: write N bytes at a time */
    {'r', do_read},   /* @r N: read N bytes */
    {'c', do_close},  /* @c: flush */
    {'f', do_free},   /* @f: release the file; it is opened again when needed */
    {'s',
     store_value}, /* @sNAME=VALUE: write to another file of the process, or to a file in sys/vm */
};

/* LINE has LEN bytes, without the newline. */
static void run_directive(struct session *s, const char *line, size_t len)
{
	g_autofree char *text = g_strndup(line, len);

	for (size_t i = 0; i < G_N_ELEMENTS(directives); i++)
		if (text[0] == directives[i].letter)
			directives[i].run(s, text + 1);
}

/* --- The input -------------------------------------------------------------------------------- */

static void run_text(struct session *s, const char *text, size_t size)
{
	for (int lines = 0; size > 0 && lines < MAX_LINES; lines++) {
		const char *newline = memchr(text, '\n', size);
		size_t len = newline != NULL ? (size_t)(newline - text) + 1 : size;

		if (text[0] == '@')
			run_directive(s, text + 1, len - 1 - (newline != NULL));
		else
			write_text(s, text, len);
		text += len;
		size -= len;
	}
}

static void add_files(struct fuzz *f)
{
	static const char script[] = "#! /bin/" PROGRAM " -e\n";
	g_autofree char *bytes = g_strnfill(5 * VM_PAGE_SIZE / 2, 'f');

	programs_add(f, NULL);
	fuzz_add_file(f, "script", script, sizeof script - 1);
	fuzz_add_file(f, "file", bytes, strlen(bytes));
	fuzz_add_file(f, "empty", "", 0);
}

static void session_start(struct session *s)
{
	struct vm_config config;

	vm_config_init(&config);
	config.ram = 48 * VM_PAGE_SIZE;
	config.swap = 16 * VM_PAGE_SIZE;
	config.swap_medium = vm_host_medium(fuzz_memory_file("swap"));
	config.max_tables = 256;
	config.most[VM_PROCESSES] = PROCESSES;
	config.max_map_count = 64;
	config.tlb_sets = config.tlb_ways = 2;
	*s = (struct session){.target = 1, .piece = SIZE_MAX};
	fuzz_start(&s->fuzz, &config);
	s->fuzz.mount.ctl = fs_ctl_store_new();
	add_files(&s->fuzz);
	vm_process_unref(fuzz_spawn(&s->fuzz, ADDRESS_SPACE));
}

static void session_end(struct session *s)
{
	fuzz_check(&s->fuzz);
	for (s->target = 0; s->target <= PROCESSES; s->target++) {
		read_results(s, 65536);
		show_files(s);
	}
	for (s->target = 0; s->target <= PROCESSES; s->target++)
		do_free(s, NULL);
	fs_ctl_store_free(s->fuzz.mount.ctl);
	fuzz_end(&s->fuzz);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct session s;

	session_start(&s);
	run_text(&s, (const char *)bytes, size);
	session_end(&s);
	return 0;
}
