/*
 * options.c - the command line.
 *
 * To add an option, write its function and add a row.
 */
#include "fs/daemon/options.h"
#include "util/nanoseconds.h"
#include "util/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * libfuse makes a thread when a request comes while all others are busy. Only reading a
	 * host file keeps a thread busy for long. So this many callers may hang in a file system
	 * that does not answer before other callers notice.
	 */
	MAX_THREADS = 256,
	/* Pids rise from the first one and are not used again, so leave enough of them. */
	MAX_FIRST_PID = 1 << 30,
};

/* Seconds since 1970: the year 2106. */
#define MAX_CLOCK UINT64_C(4294967295)

static bool bad_value(GError **error, const char *option, const char *value, const char *wanted)
{
	g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s=%s: must be %s", option,
	            value, wanted);
	return false;
}

/* Whether VALUE is FIRST or SECOND; *IS_SECOND says which. */
static bool parse_choice(const char *value, const char *first, const char *second, bool *is_second)
{
	*is_second = strcmp(value, second) == 0;
	return *is_second || strcmp(value, first) == 0;
}

static bool set_ram(struct options *options, const char *value, GError **error)
{
	uint64_t *ram = &options->machine.ram;

	if (!size_parse(value, ram) || *ram < VM_PAGE_SIZE)
		return bad_value(error, "ram", value,
		                 "a size such as 64M (K, M, G or T), at least one page, 4096");
	return true;
}

/* Make the path absolute: the daemon changes to the root directory before it opens the file. */
static bool set_swap(struct options *options, const char *value, GError **error)
{
	if (value[0] == '\0')
		return bad_value(error, "swap", value, "the path of a file");
	g_free(options->swap);
	options->swap = g_canonicalize_filename(value, NULL);
	return true;
}

static bool set_swapsize(struct options *options, const char *value, GError **error)
{
	options->swapsize_given = true;
	return size_parse(value, &options->machine.swap) ||
	       bad_value(error, "swapsize", value,
	                 "a size such as 64M (K, M, G or T), or 0 for no swap");
}

static bool set_policy(struct options *options, const char *value, GError **error)
{
	g_autofree char *names = vm_policy_names();
	g_autofree char *wanted = g_strconcat("one of ", names, NULL);
	bool known = false;

	for (unsigned i = 0; vm_policy_name(i) != NULL; i++)
		known |= strcmp(value, vm_policy_name(i)) == 0;
	if (!known)
		return bad_value(error, "policy", value, wanted);
	g_free(options->policy);
	options->machine.policy = options->policy = g_strdup(value);
	return true;
}

static bool set_tlb(struct options *options, const char *value, GError **error)
{
	g_auto(GStrv) numbers = g_strsplit(value, "x", 2);
	uint64_t sets = 0, ways = 0;
	bool off = strcmp(value, "0") == 0;

	if (!off &&
	    (g_strv_length(numbers) != 2 || !number_parse(numbers[0], &sets) ||
	     !number_parse(numbers[1], &ways) || sets < 1 || ways < 1 || sets > VM_MAX_TLB / ways))
		return bad_value(error, "tlb", value,
		                 "SETSxWAYS such as 16x4, at most 65536 entries, or 0 for none");
	options->machine.tlb_sets = (unsigned)sets;
	options->machine.tlb_ways = (unsigned)ways;
	return true;
}

static bool set_oom(struct options *options, const char *value, GError **error)
{
	return parse_choice(value, "fail", "kill", &options->machine.oom_kill) ||
	       bad_value(error, "oom", value, "fail or kill");
}

static bool set_segv(struct options *options, const char *value, GError **error)
{
	return parse_choice(value, "report", "kill", &options->machine.segv_kill) ||
	       bad_value(error, "segv", value, "report or kill");
}

static bool set_cpu(struct options *options, const char *value, GError **error)
{
	return parse_choice(value, "kvm", "none", &options->no_cpu) ||
	       bad_value(error, "cpu", value, "kvm or none");
}

static bool set_clock(struct options *options, const char *value, GError **error)
{
	uint64_t seconds;

	if (strcmp(value, "real") == 0) {
		options->machine.clock = -1;
		return true;
	}
	if (!number_parse(value, &seconds) || seconds > MAX_CLOCK)
		return bad_value(error, "clock", value,
		                 "real, or seconds since 1970, up to 4294967295");
	options->machine.clock = (int64_t)seconds * NS_PER_SEC;
	return true;
}

static bool set_fork(struct options *options, const char *value, GError **error)
{
	return parse_choice(value, "share", "copy", &options->machine.fork_copy) ||
	       bad_value(error, "fork", value, "share or copy");
}

static bool set_aslr(struct options *options, const char *value, GError **error)
{
	options->machine.aslr = true;
	return true;
}

static bool set_seed(struct options *options, const char *value, GError **error)
{
	return number_parse(value, &options->machine.seed) ||
	       bad_value(error, "seed", value,
	                 "a number, decimal or 0x hex, below 2 to the power of 64");
}

static bool set_firstpid(struct options *options, const char *value, GError **error)
{
	uint64_t pid;

	if (!number_parse(value, &pid) || pid < 1 || pid > MAX_FIRST_PID)
		return bad_value(error, "firstpid", value, "a number from 1 to 1073741824");
	options->machine.first_pid = (pid_t)pid;
	return true;
}

static const struct option_row {
	const char *match; /* for fuse_opt; one that ends in = takes a value */
	const char *value; /* what the help calls that value */
	const char *help;
	bool (*set)(struct options *options, const char *value, GError **error);
	char *(*names)(void); /* NULL, or what follows in the help */
} rows[] = {
    {"ram=", "SIZE", "physical memory for user pages, with K, M, G or T (256M)", set_ram},
    {"swap=", "FILE", "swap file, made if missing (one without a name in $TMPDIR or /var/tmp)",
     set_swap},
    {"swapsize=", "SIZE", "its size, 0 turns swap off (2 x ram)", set_swapsize},
    {"policy=", "NAME", "page replacement (clock): ", set_policy, vm_policy_names},
    {"tlb=", "SETSxWAYS", "the TLB of each process, 0 turns it off (16x4)", set_tlb},
    {"oom=", "fail|kill", "out of memory: fail the access, or end the largest process (fail)",
     set_oom},
    {"segv=", "report|kill", "what a fatal fault does to its process (report)", set_segv},
    {"fork=", "share|copy", "page tables at a fork: share them, or copy them as Linux does (share)",
     set_fork},
    {"clock=", "real|SECONDS",
     "the machine's time; with SECONDS it moves by commands only, so that runs are equal (real)",
     set_clock},
    {"cpu=", "kvm|none", "what programs run on: a processor by /dev/kvm, or nothing (kvm)",
     set_cpu},
    {"aslr", "", "randomise stack, mmap base and PIE base (off)", set_aslr},
    {"seed=", "N", "seed for aslr and policy=random (1)", set_seed},
    {"firstpid=", "N", "first pid (1)", set_firstpid},
};

/*
 * Words that fstab and mount(8) may use and libfuse does not know. They change nothing, because the
 * mount keeps no access times.
 */
static const char *const mount_words[] = {
    "defaults", "relatime",   "norelatime", "strictatime", "nostrictatime",
    "diratime", "nodiratime", "lazytime",   "nolazytime",
};

/* What the parser has found so far. */
struct parse {
	struct options *options;
	GPtrArray *words; /* of char *: arguments that are no options */
	GError *error;
};

static int parse_one(void *data, const char *arg, int key, struct fuse_args *out)
{
	struct parse *parse = data;
	const char *value = strchr(arg, '=');

	if (key == FUSE_OPT_KEY_NONOPT) {
		g_ptr_array_add(parse->words, g_strdup(arg));
		return 0;
	}
	if (key < 0)
		return 1;
	return rows[key].set(parse->options, value != NULL ? value + 1 : NULL, &parse->error) ? 0
	                                                                                      : -1;
}

/* Take vasfs's own options, and the arguments that are no options, out of ARGS. */
static bool take_own(struct parse *parse, struct fuse_args *args)
{
	struct fuse_opt templates[G_N_ELEMENTS(rows) + G_N_ELEMENTS(mount_words) + 1] = {0};
	struct fuse_opt *next = templates;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		*next++ = (struct fuse_opt)FUSE_OPT_KEY(rows[i].match, (int)i);
	for (size_t i = 0; i < G_N_ELEMENTS(mount_words); i++)
		*next++ = (struct fuse_opt)FUSE_OPT_KEY(mount_words[i], FUSE_OPT_KEY_DISCARD);
	if (fuse_opt_parse(args, parse, templates, parse_one) == 0)
		return true;
	if (parse->error == NULL)
		g_set_error(&parse->error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
		            "the options cannot be read");
	return false;
}

/*
 * Insert OPTION with VALUE before all others, so that the user's options override it. A comma or
 * backslash in VALUE has no special meaning.
 */
static void prepend_option(struct fuse_args *args, const char *option, const char *value)
{
	g_autofree char *plain = g_strconcat(option, value, NULL);
	char *opts = NULL;

	if (fuse_opt_add_opt_escaped(&opts, plain) == 0) {
		fuse_opt_insert_arg(args, 1, opts);
		fuse_opt_insert_arg(args, 1, "-o");
	}
	free(opts);
}

static void add_session_options(struct fuse_args *args, const char *source)
{
	g_autofree char *threads = g_strdup_printf("%d", MAX_THREADS);

	prepend_option(args, "max_threads=", threads);
	prepend_option(args, "subtype=", "vasfs");
	prepend_option(args, "fsname=", source);
	/* Let the kernel check modes and owners, with or without allow_other. */
	prepend_option(args, "default_permissions", "");
}

/* The words are MOUNTPOINT, or from mount(8) SOURCE MOUNTPOINT. */
static bool take_words(struct options *options, const GPtrArray *words, GError **error)
{
	bool wanted = !options->fuse.show_help && !options->fuse.show_version;

	if (wanted && (words->len < 1 || words->len > 2)) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, "%s (see vasfs -h)",
		            words->len == 0 ? "no mount point given"
		                            : "more than one mount point given");
		return false;
	}
	if (words->len > 0)
		options->mountpoint = g_strdup(words->pdata[words->len - 1]);
	return true;
}

static bool parse_all(struct parse *parse, struct fuse_args *args)
{
	struct options *options = parse->options;

	if (!take_own(parse, args))
		return false;
	add_session_options(args, parse->words->len == 2 ? parse->words->pdata[0] : "vasfs");
	if (fuse_parse_cmdline(args, &options->fuse) != 0) {
		g_set_error(&parse->error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
		            "bad options (see vasfs -h)");
		return false;
	}
	return take_words(options, parse->words, &parse->error);
}

/* Once all options are known, give swapsize its default and round it down to whole pages. */
static bool settle_swapsize(struct options *options, GError **error)
{
	struct vm_config *machine = &options->machine;

	if (!options->swapsize_given)
		machine->swap = machine->ram <= INT64_MAX / 2 ? 2 * machine->ram : INT64_MAX;
	machine->swap -= machine->swap % VM_PAGE_SIZE;
	if (machine->swap > INT64_MAX - VM_PAGE_SIZE) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
		            "swapsize: no file can be that large");
		return false;
	}
	return true;
}

bool options_parse(struct options *options, int argc, char **argv, GError **error)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct parse parse = {.options = options, .words = words};
	bool ok;

	*options = (struct options){0};
	vm_config_init(&options->machine);
	ok = parse_all(&parse, &args) && settle_swapsize(options, &parse.error);
	options->session = args;
	if (!ok) {
		options_clear(options);
		g_propagate_error(error, parse.error);
	}
	return ok;
}

void options_clear(struct options *options)
{
	fuse_opt_free_args(&options->session);
	g_clear_pointer(&options->mountpoint, g_free);
	g_clear_pointer(&options->swap, g_free);
	g_clear_pointer(&options->policy, g_free);
	free(options->fuse.mountpoint);
}

void options_print_help(const char *program)
{
	printf("usage: %s [options] mountpoint\n\n"
	       "Mount a simulated machine whose virtual memory is files.\n\n"
	       "vasfs options (default):\n",
	       program);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *option = g_strconcat(rows[i].match, rows[i].value, NULL);
		g_autofree char *names = rows[i].names != NULL ? rows[i].names() : g_strdup("");
		printf("    -o %-22s %s%s\n", option, rows[i].help, names);
	}
	printf("\nlibfuse options (max_threads is %d here):\n", MAX_THREADS);
	fuse_cmdline_help();
	fuse_lowlevel_help();
}
