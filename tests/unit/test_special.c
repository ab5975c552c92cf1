/*
 * test_special.c - the kernel's own areas, [vvar] and [vdso]: which calls they allow, compared with
 * the host's kernel, and what accesses to them find.
 */
#include "tests/fixture/exec_fixture.h"
#include "tests/fixture/vm_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum call { MADVISE, MPROTECT, MUNMAP, MLOCK, MREMAP };
enum where { VVAR, VDSO };

/* A call on LEN pages, starting with page FIRST of an area. LEN 0: the whole area. */
struct step {
	enum call call;
	enum where where;
	uint64_t first, len;
	uint64_t a, b, c; /* further arguments; mremap's new length is in pages */
};

struct range {
	uint64_t start, end;
};

static const char *const names[] = {[VVAR] = "[vvar]", [VDSO] = "[vdso]"};

static struct step in_bytes(const struct step *step, const struct range *range)
{
	struct step real = *step;

	real.first = range->start + step->first * PAGE;
	real.len = step->len > 0 ? step->len * PAGE : range->end - range->start;
	if (step->call == MREMAP)
		real.a = step->a > 0 ? step->a * PAGE : real.len;
	return real;
}

/* --- On the host ------------------------------------------------------------------------------ */

/* One line "[vdso] r-xp 2\n" for each of the kernel's areas in MAPS. */
static char *areas_in(char *maps)
{
	GString *text = g_string_new(NULL);

	for (char *line = strtok(maps, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		unsigned long start, end;
		char perm[5], name[32];
		if (sscanf(line, "%lx-%lx %4s %*s %*s %*s [v%15[^]]]", &start, &end, perm, name) ==
		        4 &&
		    start < VM_USER_END)
			g_string_append_printf(text, "[v%s] %s %lu\n", name, perm,
			                       (end - start) / PAGE);
	}
	return g_string_free(text, FALSE);
}

static struct range host_range(enum where where)
{
	g_autofree char *maps = NULL;
	struct range range = {0, 0};

	g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
	g_auto(GStrv) lines = g_strsplit(maps, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		if (g_str_has_suffix(lines[i], names[where]))
			sscanf(lines[i], "%lx-%lx", &range.start, &range.end);
	return range;
}

/* What a child process reports. */
struct report {
	long result;
	char maps[1 << 16];
};

static void host_child(const struct step *s, struct report *report)
{
	static const long numbers[] = {[MADVISE] = SYS_madvise,
	                               [MPROTECT] = SYS_mprotect,
	                               [MUNMAP] = SYS_munmap,
	                               [MLOCK] = SYS_mlock,
	                               [MREMAP] = SYS_mremap};
	long result = syscall(numbers[s->call], s->first, s->len, s->a, s->b, s->c);
	size_t len = 0;
	ssize_t got;

	report->result = result == -1 ? -errno : result;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY);
	while ((got = syscall(SYS_read, fd, report->maps + len, sizeof report->maps - 1 - len)) > 0)
		len += (size_t)got;
	syscall(SYS_exit_group, 0);
}

static int64_t on_host(const struct step *step, char **areas)
{
	struct range range = host_range(step->where);
	struct step real = in_bytes(step, &range);
	struct report *report = mmap(NULL, sizeof *report, RW, SHARED_ANON, -1, 0);
	pid_t pid = fork();

	if (pid == 0)
		host_child(&real, report);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
	int64_t result = report->result;
	*areas = areas_in(report->maps);
	munmap(report, sizeof *report);
	return result;
}

/* --- In the engine ---------------------------------------------------------------------------- */

static bool print_area(void *ctx, const struct vm_area_info *area)
{
	if (area->name != NULL && g_str_has_prefix(area->name, "[v"))
		g_string_append_printf(ctx, "%s %s %lu\n", area->name, area->perm,
		                       (area->end - area->start) / PAGE);
	return true;
}

struct wanted {
	const char *name;
	struct range range;
};

static bool find_area(void *ctx, const struct vm_area_info *area)
{
	struct wanted *wanted = ctx;

	if (g_strcmp0(area->name, wanted->name) == 0)
		wanted->range = (struct range){area->start, area->end};
	return true;
}

static struct range engine_range(struct vm_process *process, enum where where)
{
	struct wanted wanted = {.name = names[where]};

	g_assert_cmpint(vm_process_areas(process, 0, find_area, &wanted), ==, 0);
	return wanted.range;
}

static int64_t engine_call(struct vm_process *process, const struct step *s)
{
	switch (s->call) {
	case MADVISE:
		return vm_madvise(process, s->first, s->len, (int)s->a);
	case MPROTECT:
		return vm_mprotect(process, s->first, s->len, (int)s->a);
	case MUNMAP:
		return vm_munmap(process, s->first, s->len);
	case MLOCK:
		return vm_mlock(process, s->first, s->len, 0);
	default:
		return vm_mremap(process, s->first, s->len, s->a, (int)s->b, s->c);
	}
}

static int64_t in_engine(struct exec_fixture *f, const struct step *step, char **areas)
{
	struct vm_process *child = fork_of(f->process);
	struct range range = engine_range(child, step->where);
	struct step real = in_bytes(step, &range);
	int64_t result = engine_call(child, &real);
	GString *text = g_string_new(NULL);

	g_assert_cmpint(vm_process_areas(child, 0, print_area, text), ==, 0);
	*areas = g_string_free(text, FALSE);
	assert_sound(f->machine);
	end(child);
	return result;
}

/* --- The tests -------------------------------------------------------------------------------- */

#define MOVE (MREMAP_MAYMOVE | MREMAP_FIXED)

static const struct step steps[] = {
    {MADVISE, VDSO, 0, 1, MADV_DONTDUMP},
    {MADVISE, VDSO, 0, 0, MADV_DONTDUMP},
    {MADVISE, VDSO, 0, 0, MADV_DODUMP},
    {MADVISE, VDSO, 0, 1, MADV_DONTNEED},
    {MADVISE, VDSO, 0, 1, MADV_RANDOM},
    {MADVISE, VDSO, 0, 0, MADV_RANDOM},
    {MADVISE, VDSO, 0, 0, MADV_POPULATE_READ},
    {MADVISE, VVAR, 0, 0, MADV_POPULATE_READ},
    {MADVISE, VVAR, 0, 0, MADV_DONTNEED},
    {MADVISE, VVAR, 0, 0, MADV_DONTFORK},
    {MADVISE, VVAR, 0, 0, MADV_DOFORK},
    {MPROTECT, VDSO, 0, 1, PROT_READ},
    {MPROTECT, VDSO, 0, 1, PROT_READ | PROT_EXEC},
    {MPROTECT, VDSO, 0, 0, PROT_READ},
    {MPROTECT, VDSO, 0, 0, PROT_READ | PROT_WRITE},
    {MPROTECT, VVAR, 0, 1, PROT_READ},
    {MPROTECT, VVAR, 0, 1, PROT_NONE},
    {MPROTECT, VVAR, 0, 0, PROT_NONE},
    {MPROTECT, VVAR, 0, 0, PROT_READ | PROT_WRITE},
    {MUNMAP, VDSO, 0, 1},
    {MUNMAP, VDSO, 1, 1},
    {MUNMAP, VDSO, 0, 0},
    {MUNMAP, VVAR, 0, 1},
    {MUNMAP, VVAR, 0, 0},
    {MLOCK, VDSO, 0, 1},
    {MLOCK, VDSO, 0, 0},
    {MLOCK, VVAR, 1, 1},
    {MREMAP, VDSO, 0, 0, 1},
    {MREMAP, VDSO, 0, 0, 4, MREMAP_MAYMOVE},
    {MREMAP, VDSO, 0, 0, 0, MOVE, ARENA},
    {MREMAP, VDSO, 0, 1, 0, MOVE, ARENA},
    {MREMAP, VDSO, 1, 1, 0, MOVE, ARENA},
    {MREMAP, VDSO, 0, 0, 0, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, ARENA},
    {MREMAP, VVAR, 0, 0, 0, MOVE, ARENA},
};

static bool host_is_comparable(void)
{
	struct range vdso = host_range(VDSO);

	return vdso.end - vdso.start == 2 * PAGE;
}

static void test_calls(struct exec_fixture *f, gconstpointer data)
{
	if (!host_is_comparable()) {
		g_test_skip("the host's vdso has not two pages");
		return;
	}
	g_assert_cmpint(exec_path(f, "/bin/true"), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autofree char *expected = NULL, *found = NULL;
		int64_t host = on_host(&steps[i], &expected),
		        engine = in_engine(f, &steps[i], &found);
		if (host == engine && strcmp(expected, found) == 0)
			continue;
		g_test_message("step %zu: Linux says %ld, the engine %ld", i, host, engine);
		g_test_message("areas of Linux:\n%sof the engine:\n%s", expected, found);
		g_test_fail();
	}
}

/* Whether the engine's [vdso] equals the one of this program. */
static bool is_hosts_vdso(struct vm_process *process, uint64_t va)
{
	struct range host = host_range(VDSO);
	g_autofree uint8_t *bytes = g_malloc(host.end - host.start);

	g_assert_cmpint(load(process, va, bytes, host.end - host.start), ==, host.end - host.start);
	return memcmp(bytes, (const void *)host.start, host.end - host.start) == 0;
}

/*
 * The pages of [vdso] belong to the machine. They are copied when a debugger writes a breakpoint.
 */
static void test_vdso(struct exec_fixture *f, gconstpointer data)
{
	struct vm_translation translation;

	if (getauxval(AT_SYSINFO_EHDR) == 0) {
		g_test_skip("the host has no vdso");
		return;
	}
	g_assert_cmpint(exec_path(f, "/bin/true"), ==, 0);
	uint64_t va = engine_range(f->process, VDSO).start;
	g_assert_cmpint(vm_translate(f->process, va, &translation), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(translation.kind), ==, "page-cache");
	assert_touch(f->process, va, VM_ACCESS_WRITE, VM_FATAL, VM_FAULT_SEGV_ACCERR);
	assert_touch(f->process, va, VM_ACCESS_EXEC, VM_MINOR, VM_FAULT_PAGE_CACHE);
	g_assert_true(is_hosts_vdso(f->process, va));
	struct vm_process *other = fork_of(f->process);
	g_assert_cmpint(vm_mprotect(f->process, va, 2 * PAGE, RW), ==, 0);
	assert_touch(f->process, va, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_COPY);
	put(f->process, va + PAGE, 0xcc);
	put(f->process, va, 0xcc);
	g_assert_false(is_hosts_vdso(f->process, va));
	g_assert_true(is_hosts_vdso(other, va));
	/* The first access is a write. */
	g_assert_cmpint(vm_madvise(f->process, va, 2 * PAGE, MADV_DONTNEED), ==, 0);
	assert_touch(f->process, va, VM_ACCESS_WRITE, VM_MINOR, VM_FAULT_COW_COPY);
	g_assert_true(is_hosts_vdso(f->process, va));
	end(other);
}

static void test_vvar(struct exec_fixture *f, gconstpointer data)
{
	struct vm_translation translation;

	g_assert_cmpint(exec_path(f, "/bin/true"), ==, 0);
	struct range vvar = engine_range(f->process, VVAR);
	if (vvar.start == 0) {
		g_test_skip("the host has no vvar");
		return;
	}
	g_assert_cmpint(vm_translate(f->process, vvar.start, &translation), ==, 0);
	g_assert_cmpstr(vm_fault_kind_name(translation.kind), ==, "sigbus");
	assert_touch(f->process, vvar.start, VM_ACCESS_READ, VM_FATAL, VM_FAULT_SIGBUS);
	/* [vvar] cannot be read through a file, so mem has a hole there. */
	g_assert_cmpint(vm_process_seek(f->process, vvar.start, true), ==, (int64_t)vvar.start);
	g_assert_cmpint(vm_process_seek(f->process, vvar.start, false), ==,
	                (int64_t)engine_range(f->process, VDSO).start);
}

/* The VmFlags of this program's area with that name; "" if there is none. */
static char *host_flags(enum where where)
{
	g_autofree char *smaps = NULL;

	g_assert_true(g_file_get_contents("/proc/self/smaps", &smaps, NULL, NULL));
	const char *area = strstr(smaps, names[where]),
	           *flags = area != NULL ? strstr(area, "VmFlags: ") : NULL;
	if (flags == NULL)
		return g_strdup("");
	flags += strlen("VmFlags: ");
	return g_strndup(flags, strcspn(flags, "\n"));
}

struct flags {
	uint64_t start;
	char text[80];
};

static bool take_flags(void *ctx, const struct vm_area_usage *usage)
{
	struct flags *flags = ctx;

	if (usage->area.start == flags->start)
		g_strlcpy(flags->text, usage->vm_flags, sizeof flags->text);
	return true;
}

/* Flags as on the host, except for soft-dirty, which its kernel may lack. */
static void test_flags(struct exec_fixture *f, gconstpointer data)
{
	g_assert_cmpint(exec_path(f, "/bin/true"), ==, 0);
	for (int where = VVAR; where <= VDSO; where++) {
		struct flags flags = {.start = engine_range(f->process, (enum where)where).start};
		g_assert_cmpint(vm_process_usage(f->process, 0, take_flags, &flags), ==, 0);
		g_autofree char *host = host_flags((enum where)where);
		g_auto(GStrv) of_host = g_strsplit(host, "sd ", 2);
		g_auto(GStrv) ours = g_strsplit(flags.text, "sd ", 2);
		g_autofree char *expected = g_strjoinv("", of_host), *found = g_strjoinv("", ours);
		g_assert_cmpstr(found, ==, expected);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*test)(struct exec_fixture *f, gconstpointer data);
	} tests[] = {{"/special/calls", test_calls},
	             {"/special/vdso", test_vdso},
	             {"/special/vvar", test_vvar},
	             {"/special/flags", test_flags}};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, struct exec_fixture, NULL, exec_setup, tests[i].test,
		           exec_teardown);
	return g_test_run();
}
