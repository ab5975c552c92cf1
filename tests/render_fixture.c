/*
 * render_fixture.c - a machine whose files are rendered without a mount. See render_fixture.h.
 */
#include "tests/render_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void render_setup(struct render_fixture *f, gconstpointer data)
{
	const char *shm = g_access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
	g_autofree char *bytes = g_malloc0(2 * VM_PAGE_SIZE);
	struct vm_cred cred = {.uid = 1000, .gid = 1001};
	struct vm_config config;
	int error;

	vm_config_init(&config);
	config.ram = (uint64_t)RENDER_RAM_KIB * 1024;
	config.swap = (uint64_t)RENDER_SWAP_KIB * 1024;
	config.swap_fd = memfd_create("swap", MFD_CLOEXEC);
	g_assert_cmpint(config.swap_fd, >=, 0);
	g_assert_cmpint(ftruncate(config.swap_fd, (off_t)config.swap), ==, 0);
	f->mount.machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(f->mount.machine);
	f->process = vm_process_spawn(f->mount.machine, &cred, "demo", &error);
	g_assert_nonnull(f->process);
	f->dir = g_build_filename(shm, "vasfs-render-XXXXXX", NULL);
	g_assert_nonnull(g_mkdtemp(f->dir));
	f->path = g_build_filename(f->dir, "a file\nof two lines", NULL);
	g_assert_true(g_file_set_contents(f->path, bytes, 2 * VM_PAGE_SIZE, NULL));
}

void render_teardown(struct render_fixture *f, gconstpointer data)
{
	vm_process_unref(f->process);
	vm_machine_free(f->mount.machine);
	g_unlink(f->path);
	g_rmdir(f->dir);
	g_free(f->path);
	g_free(f->dir);
}

GString *rendered(struct render_fixture *f, fs_render_fn render)
{
	GString *out = g_string_new(NULL);

	g_assert_cmpint(render(out, &f->mount, f->process), ==, 0);
	g_assert_cmpuint(strlen(out->str), <=, out->len);
	return out;
}

char *rendered_text(struct render_fixture *f, fs_render_fn render)
{
	GString *out = rendered(f, render);

	g_assert_cmpuint(out->len, >, 0);
	g_assert_cmpint(out->str[out->len - 1], ==, '\n');
	return g_string_free(out, FALSE);
}

/* The first line of TEXT that starts with PREFIX and goes on with a blank, a tab or a colon; NULL if none does. */
char *line_of(const char *text, const char *prefix)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, prefix) && strchr(" \t:", (*line)[strlen(prefix)]))
			return g_strdup(*line);
	return NULL;
}

uint64_t number_of(const char *text, const char *key)
{
	g_autofree char *line = line_of(text, key);

	g_assert_nonnull(line);
	return g_ascii_strtoull(strpbrk(line, " \t:") + 1, NULL, 10);
}

void assert_lines_match(const char *text, const char *pattern)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_assert_cmpstr(lines[g_strv_length(lines) - 1], ==, "");
	for (char **line = lines; line[1]; line++)
		if (!g_regex_match_simple(pattern, *line, 0, 0))
			g_error("\"%s\" does not match %s", *line, pattern);
}

/* The keys of TEXT (up to a colon or blank) that OTHER has too, in TEXT's order. */
char *shared_keys(const char *text, const char *other)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	GString *keys = g_string_new(NULL);

	for (char **line = lines; **line; line++) {
		g_autofree char *key = g_strndup(*line, strcspn(*line, ": \t"));
		g_autofree char *found = line_of(other, key);

		if (found)
			g_string_append_printf(keys, "%s\n", key);
	}
	return g_string_free(keys, FALSE);
}

char *host_file(const char *path)
{
	char *text;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static struct vm_file *open_file(struct vm_machine *machine, const char *path, int access, int *error)
{
	int fd = open(path, access | O_CLOEXEC);

	if (fd < 0) {
		*error = -errno;
		return NULL;
	}
	return vm_file_new(machine, fd, access, error);
}

static struct vm_file *opener_open(void *ctx, const char *path, bool executable, int *error)
{
	return open_file(ctx, path, O_RDONLY, error);
}

void exec_program(struct render_fixture *f)
{
	static const char *const argv[] = {"true", "--version", "a b", NULL};
	static const char *const envp[] = {"HOME=/", "LANG=C", NULL};
	struct vm_exec_args args = {
	    .path = "/bin/true", .argv = argv, .envp = envp, .opener = {opener_open, f->mount.machine}};
	uint64_t entry;

	g_assert_cmpint(vm_exec(f->process, &args, &entry), ==, 0);
}

uint64_t map_anon(struct render_fixture *f, uint64_t addr, uint64_t len, int prot)
{
	int64_t at =
	    vm_mmap(f->process, addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0), NULL, 0);

	g_assert_cmpint(at, >, 0);
	return (uint64_t)at;
}

uint64_t map_file(struct render_fixture *f, uint64_t addr, uint64_t len, int prot, int flags, uint64_t offset)
{
	int error;
	struct vm_file *file = open_file(f->mount.machine, f->path, (flags & MAP_SHARED) ? O_RDWR : O_RDONLY, &error);
	int64_t at;

	g_assert_nonnull(file);
	at = vm_mmap(f->process, addr, len, prot, flags | (addr ? MAP_FIXED : 0), file, offset);
	vm_file_unref(file);
	g_assert_cmpint(at, >, 0);
	return (uint64_t)at;
}

void poke(struct render_fixture *f, uint64_t addr)
{
	g_assert_cmpint(vm_write(f->process, addr, "x", 1), ==, 1);
}
