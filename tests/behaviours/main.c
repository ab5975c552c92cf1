/*
 * main.c - runs the table of behaviours. Each row is run by the engine and, if the host can be
 * compared with, by its kernel.
 *
 *     test_behaviours -k                           all rows, even after a failure
 *     test_behaviours -k -p /behaviour/mremap      the rows of a family (-l lists them)
 *
 * The notation is in behaviour.h. If a row fails on the kernel, the row is wrong, whatever the
 * engine does.
 */
#include "tests/behaviours/expect.h"
#include "tests/differential/compare.h"
#include "tests/differential/engine_executor.h"
#include "tests/differential/host_executor.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

static const struct family *const families[] = {
    &family_limits,  &family_mmap,  &family_placement, &family_munmap,  &family_mprotect,
    &family_mremap,  &family_brk,   &family_mlock,     &family_madvise, &family_pages,
    &family_mincore, &family_msync, &family_fork,      &family_faults,  &family_files,
    &family_merging, &family_stack, &family_noexec,
};

/* Where rows run. */
struct site {
	char *dir;         /* of their files */
	struct host *host; /* NULL: no host to compare with */
	char *why;
};
/* The one in the usual place, and the one on a noexec mount. */
static struct site usual, noexec;
static unsigned host_meets; /* the needs that this host meets */
static bool host_guard_flag;

/* --- A row ------------------------------------------------------------------------------------ */

static void add_steps(struct program *program, const struct step *steps, unsigned count,
                      uint32_t *slot)
{
	for (unsigned i = 0; i < count; i++) {
		if (steps[i].call == CALL_NONE) {
			*slot = steps[i].slot;
			continue;
		}
		program->step[program->steps] = steps[i];
		program->step[program->steps++].slot = *slot;
	}
}

/* Make the program of ROW. *TESTED is the number of the step under test. */
static void make_program(const struct row *row, struct program *program, unsigned *tested)
{
	uint32_t slot = 0;

	memset(program, 0, sizeof *program);
	program->unprivileged = row->unprivileged || !(host_meets & NEED_ROOT);
	add_steps(program, row->step, row->steps, &slot);
	*tested = program->steps - 1;
	add_steps(program, row->after, row->steps_after, &slot);
}

static void tell(const struct row *row, const struct program *program, const char *side,
                 const char *what)
{
	g_test_message("%s (%s)", row->name, row->follows);
	for (uint32_t i = 0; i < program->steps; i++) {
		g_autofree char *line = step_text(&program->step[i]);
		g_test_message("    %s", line);
	}
	g_test_message("%s: %s", side, what);
	g_test_fail();
}

static bool check_side(const struct row *row, const struct program *program, unsigned tested,
                       const struct answers *answers, bool is_linux)
{
	g_autofree char *what = unexpected(row, program, tested, answers, is_linux);

	if (what != NULL)
		tell(row, program, is_linux ? "Linux" : "the engine", what);
	return what == NULL;
}

/* Run the row on the host of SITE. Its answers must be as expected, and the same as ENGINE's. */
static void check_host(const struct site *site, const struct row *row,
                       const struct program *program, unsigned tested, bool engine_is_right,
                       const struct answers *engine)
{
	struct comparison how = {.fold = false, .guard_flag = host_guard_flag};
	struct difference difference;
	struct answers answers;

	answers_init(&answers);
	host_run(site->host, program, &answers);
	bool both = check_side(row, program, tested, &answers, true) && engine_is_right;
	if (both && compare(program, &how, &answers, engine, &difference)) {
		tell(row, program, "compared", difference.text);
		difference_clear(&difference);
	}
	answers_clear(&answers);
}

static void test_row(gconstpointer data)
{
	enum { OF_BOTH = NEED_ROOT | NEED_HEURISTIC | NEED_NOEXEC };
	const struct row *row = data;
	const struct site *site = row->needs & NEED_NOEXEC ? &noexec : &usual;
	struct answers engine;
	struct program program;
	unsigned tested, missing = row->needs & ~host_meets;

	if (missing & OF_BOTH) {
		g_test_skip(missing & NEED_ROOT     ? "needs root"
		            : missing & NEED_NOEXEC ? "needs the right to mount"
		                                    : "needs overcommit_memory 0");
		return;
	}
	make_program(row, &program, &tested);
	answers_init(&engine);
	engine_run(&program, site->dir, MAX_STEPS, &engine);
	bool right = check_side(row, &program, tested, &engine, false);
	if (site->host == NULL || missing != 0)
		g_test_message("the engine only: %s",
		               site->host == NULL ? site->why : "the host cannot do that");
	else
		check_host(site, row, &program, tested, right, &engine);
	answers_clear(&engine);
}

/* --- All -------------------------------------------------------------------------------------- */

static void look_at_host(void)
{
	g_autofree char *overcommit = NULL;
	struct abilities abilities;

	g_file_get_contents("/proc/sys/vm/overcommit_memory", &overcommit, NULL, NULL);
	host_abilities(usual.dir, &abilities);
	host_guard_flag = abilities.guard_flag;
	host_meets = (abilities.root ? NEED_ROOT : 0) | (abilities.exec_only ? NEED_NO_KEYS : 0) |
	             (abilities.large_files ? NEED_ALIGNED : 0) |
	             (abilities.guard_flag ? NEED_GUARDS : 0) |
	             (overcommit == NULL || atoi(overcommit) == 0 ? NEED_HEURISTIC : 0);
}

/*
 * Mount a file system with the option noexec on the new folder DIR. This program gets a mount
 * namespace of its own for that, so nothing stays mounted, whatever happens. Whether it worked.
 */
static bool mount_noexec(const char *dir)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", dir, "tmpfs", MS_NOEXEC, NULL) == 0;
}

static void site_begin(struct site *site)
{
	site->host = host_new(HOST_MACHINE, site->dir, 0, &site->why);
}

static void site_end(struct site *site)
{
	g_clear_pointer(&site->host, host_free);
	g_clear_pointer(&site->dir, drop_folder);
	g_free(site->why);
}

static void sites_begin(void)
{
	usual.dir = make_folder(NULL);
	look_at_host();
	noexec.dir = make_folder(NULL);
	if (mount_noexec(noexec.dir)) {
		host_meets |= NEED_NOEXEC;
		site_begin(&noexec);
	}
	site_begin(&usual);
}

static void sites_end(void)
{
	site_end(&usual);
	g_clear_pointer(&noexec.host, host_free);
	if (host_meets & NEED_NOEXEC)
		umount2(noexec.dir, MNT_DETACH);
	site_end(&noexec);
}

/* "/behaviour/mmap/a-length-of-0" */
static char *path_of(const struct family *family, const struct row *row)
{
	g_autofree char *slug =
	    g_strcanon(g_strdup(row->name), G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_", '-');

	return g_strdup_printf("/behaviour/%s/%s", family->name, slug);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
		for (unsigned k = 0; k < families[i]->count; k++) {
			g_autofree char *path = path_of(families[i], &families[i]->rows[k]);
			g_test_add_data_func(path, &families[i]->rows[k], test_row);
		}
	sites_begin();
	int result = g_test_run();
	sites_end();
	return result;
}
