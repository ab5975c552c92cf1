/*
 * compare_programs.c - exec of all programs of whole folders against the kernel, at their first
 * instruction, and against ld.so, at their entry point. See compare-programs.sh.
 *
 *     compare_programs [-v] [-e NAME=VALUE]... FOLDER-OR-PROGRAM...
 *     compare_programs -u ID PROGRAM...    run by user and group ID: the ids that the program gets
 *     compare_programs -m FILE...          where mappings of the file lie, and which ones merge
 *     compare_programs -x FILE...          the errno of exec
 *
 * Prints a line for each program that differs, and counts at the end; with -v also what differs.
 * -e sets a variable of the program's environment. Exits 0 if none differs at its first
 * instruction: what is known to differ at entry points is in docs/semantics.md. The other uses exit
 * 0 if nothing differs.
 */
#include "tests/fixture/exec_host.h"
#include "tests/fixture/mmap_host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds for one program */

/* The two moments, and what came out. The verdicts are followed by programs that end abnormally. */
enum moment { FIRST_INSTRUCTION, ENTRY_POINT, MOMENTS };
enum { BROKEN = EXEC_NOT_COMPARABLE + 1, VERDICTS };

static const struct {
	const char *name;
	enum exec_verdict (*compare)(const struct exec_case *what, GString *text);
} moments[MOMENTS] = {
    {"first instruction", exec_compare_kernel},
    {"entry point", exec_compare_libraries},
};

struct run {
	bool verbose;
	char what; /* an option from above, or 0 */
	uint32_t id;
	GPtrArray *environment; /* char *, with a NULL at the end when it is used */
	unsigned counts[MOMENTS][VERDICTS];
};

/* Compare in a process of its own, so that nothing that goes wrong ends the run. */
static int compare(const struct run *run, enum moment moment, const char *path)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		return BROKEN;
	if (pid == 0) {
		g_autoptr(GString) text = g_string_new(NULL);
		alarm(PATIENCE);
		const struct exec_case what = {
		    .path = path,
		    .envp = run->environment->len > 1 ? (const char *const *)run->environment->pdata
		                                      : NULL};
		int verdict = (int)moments[moment].compare(&what, text);
		if (run->verbose && verdict != EXEC_SAME)
			printf("%s: %s\n%s", path, moments[moment].name, text->str);
		fflush(stdout);
		_exit(verdict);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) >= BROKEN)
		return BROKEN;
	return WEXITSTATUS(status);
}

static void compare_program(struct run *run, const char *path)
{
	static const char *const words[VERDICTS] = {
	    [EXEC_DIFFERS] = "differs", [BROKEN] = "could not be compared"};

	for (enum moment moment = 0; moment < MOMENTS; moment++) {
		int verdict = compare(run, moment, path);
		run->counts[moment][verdict]++;
		if (words[verdict] != NULL)
			printf("%s: %s: %s\n", words[verdict], moments[moment].name, path);
	}
}

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All programs of FOLDER, in the order of their names, without its subfolders. */
static void compare_folder(struct run *run, const char *folder)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;)
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, by_name);
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(folder, g_ptr_array_index(names, i), NULL);
		if (is_program(path))
			compare_program(run, path);
	}
}

/* --- The other uses --------------------------------------------------------------------------- */

/* Compare one FILE. True: nothing differs. Prints what was seen. */
static bool compare_file(const struct run *run, const char *file)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool same = true;

	if (run->what == 'm') {
		same = mmap_compare(file, text);
	} else if (run->what == 'x') {
		int expected = exec_errno_of_host(file), found = exec_errno_of_engine(file);
		same = found == expected;
		g_string_append_printf(text, "%s, on the host %s\n", g_strerror(found),
		                       g_strerror(expected));
	} else {
		const struct exec_case what = {.path = file, .uid = run->id, .gid = run->id};
		same = exec_compare_identity(&what, text) == EXEC_SAME;
	}
	printf("%s: %s: %s", same ? "same" : "differs", file, text->len > 0 ? text->str : "\n");
	return same;
}

static int compare_files(const struct run *run, char **files)
{
	bool same = true;

	for (; *files != NULL; files++)
		same &= compare_file(run, *files);
	return same ? 0 : 1;
}

/* --- Folders ---------------------------------------------------------------------------------- */

static int compare_all(struct run *run, char **paths)
{
	for (; *paths != NULL; paths++)
		if (g_file_test(*paths, G_FILE_TEST_IS_DIR))
			compare_folder(run, *paths);
		else
			compare_program(run, *paths);
	for (enum moment moment = 0; moment < MOMENTS; moment++) {
		const unsigned *count = run->counts[moment];
		printf("%s: %u same, %u differ, %u not comparable, %u failed\n",
		       moments[moment].name, count[EXEC_SAME], count[EXEC_DIFFERS],
		       count[EXEC_NOT_COMPARABLE], count[BROKEN]);
	}
	const unsigned *first = run->counts[FIRST_INSTRUCTION];
	return first[EXEC_DIFFERS] + first[BROKEN] == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct run run = {.environment = g_ptr_array_new()};
	int option;

	while ((option = getopt(argc, argv, "ve:u:mx")) != -1)
		switch (option) {
		case 'v':
			run.verbose = true;
			break;
		case 'e':
			g_ptr_array_add(run.environment, optarg);
			break;
		case 'u':
			run.id = (uint32_t)atoi(optarg);
			run.what = 'u';
			break;
		case 'm':
		case 'x':
			run.what = (char)option;
			break;
		default:
			return 2;
		}
	g_ptr_array_add(run.environment, NULL);
	int result =
	    run.what != 0 ? compare_files(&run, argv + optind) : compare_all(&run, argv + optind);
	g_ptr_array_unref(run.environment);
	return result;
}
