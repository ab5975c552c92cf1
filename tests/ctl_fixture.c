/*
 * ctl_fixture.c - a machine with one process and an open ctl file, for test_ctl.c and test_commands.c.
 */
#include "ctl_fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

void ctl_set_up(struct ctl_fixture *f, const void *unused)
{
	struct vm_config config;
	struct vm_cred cred = {getuid(), getgid()};
	g_autofree char *file = NULL;
	g_autofree char *bytes = g_malloc0(8192);
	int error;

	vm_config_init(&config);
	config.ram = 8 << 20;
	f->mount = (struct fs_mount){.machine = vm_machine_new(&config, NULL), .daemon_uid = getuid()};
	f->mount.ctl = fs_ctl_store_new();
	f->me = (struct fs_caller){getuid(), getgid(), getpid()};
	f->process = vm_process_spawn(f->mount.machine, &cred, "test", &error);
	g_assert_nonnull(f->process);
	f->open = fs_ctl_open(&f->mount, f->process);
	f->dir = g_dir_make_tmp("vasfs-ctl-XXXXXX", NULL);
	file = g_build_filename(f->dir, "file", NULL);
	g_assert_true(g_file_set_contents(file, bytes, 8192, NULL));
}

void ctl_tear_down(struct ctl_fixture *f, const void *unused)
{
	g_autofree char *file = g_build_filename(f->dir, "file", NULL);

	fs_ctl_free(f->open);
	vm_process_unref(f->process);
	fs_ctl_store_free(f->mount.ctl);
	vm_machine_free(f->mount.machine);
	g_unlink(file);
	g_rmdir(f->dir);
	g_free(f->dir);
}

int ctl_put(struct ctl_fixture *f, struct fs_ctl_open *open, const char *text)
{
	return fs_ctl_write(open, &f->me, text, strlen(text));
}

char *ctl_get_in_steps(struct ctl_fixture *f, struct fs_ctl_open *open, size_t step)
{
	GString *all = g_string_new(NULL);
	size_t before;

	do {
		g_autoptr(GString) piece = g_string_new(NULL);

		before = all->len;
		g_assert_cmpint(fs_ctl_read(open, &f->me, piece, step), ==, 0);
		g_assert_cmpuint(piece->len, <=, step);
		g_string_append_len(all, piece->str, (gssize)piece->len);
	} while (all->len > before);
	return g_string_free(all, FALSE);
}

char *ctl_get(struct ctl_fixture *f, struct fs_ctl_open *open)
{
	return ctl_get_in_steps(f, open, 65536);
}

void ctl_expect(struct ctl_fixture *f, struct fs_ctl_open *open, const char *wanted)
{
	g_autofree char *got = ctl_get(f, open);

	g_assert_cmpstr(got, ==, wanted);
}

char *ctl_ask(struct ctl_fixture *f, struct vm_process *process, const char *command)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, process);
	char *answer;

	g_assert_cmpint(ctl_put(f, open, command), ==, 0);
	answer = g_strchomp(ctl_get(f, open));
	fs_ctl_free(open);
	return answer;
}

uint64_t ctl_ask_number(struct ctl_fixture *f, struct vm_process *process, const char *command)
{
	g_autofree char *answer = ctl_ask(f, process, command);
	char *end;
	uint64_t value = g_ascii_strtoull(answer, &end, 0);

	g_assert_cmpstr(end, ==, "");
	return value;
}

void ctl_expect_error(struct ctl_fixture *f, struct vm_process *process, const char *command, int error)
{
	struct fs_ctl_open *open = fs_ctl_open(&f->mount, process);
	g_autofree char *line = g_strdup_printf("%s\n", command);
	g_autofree char *symbol = g_strdup_printf(": %s: ", strerrorname_np(error));
	g_autofree char *text = NULL;

	g_test_message("%s", command);
	g_assert_cmpint(ctl_put(f, open, line), ==, -error);
	text = ctl_get(f, open);
	g_assert_nonnull(g_strrstr(text, "error: "));
	g_assert_nonnull(strstr(text, symbol));
	g_assert_true(g_str_has_suffix(text, " (line 1)\n"));
	fs_ctl_free(open);
}

size_t ctl_process_count(struct ctl_fixture *f)
{
	g_autoptr(GArray) pids = vm_machine_pids(f->mount.machine);

	return pids->len;
}
