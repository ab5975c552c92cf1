/*
 * exec_fixture.c - see exec_fixture.h.
 */
#include "tests/exec_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- A machine, a process, and a folder for files --------------------------------------------- */

struct vm_file *exec_open(void *ctx, const char *path, bool executable, int *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	*error = -EACCES;
	if (fd < 0)
		*error = -errno;
	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (!executable || status.st_mode & 0111))
		return vm_file_new(ctx, fd, O_RDONLY, error);
	if (fd >= 0)
		close(fd);
	return NULL;
}

void exec_setup(struct exec_fixture *f, gconstpointer data)
{
	struct vm_cred cred = {.uid = getuid(), .gid = getgid()};
	struct vm_config config;
	int error = 0;

	vm_config_init(&config);
	config.aslr = f->aslr;
	config.seed = f->seed;
	f->machine = vm_machine_new(&config, NULL);
	g_assert_nonnull(f->machine);
	f->process = vm_process_spawn(f->machine, &cred, "before", &error);
	g_assert_nonnull(f->process);
	f->folder = g_dir_make_tmp("exec_XXXXXX", NULL);
	g_assert_nonnull(f->folder);
}

void exec_teardown(struct exec_fixture *f, gconstpointer data)
{
	g_autofree char *wrong = vm_machine_check(f->machine);
	g_autoptr(GDir) folder = g_dir_open(f->folder, 0, NULL);

	g_assert_cmpstr(wrong, ==, NULL);
	vm_process_exit(f->process, 0);
	vm_process_unref(f->process);
	vm_machine_free(f->machine);
	for (const char *name; (name = g_dir_read_name(folder)) != NULL;) {
		g_autofree char *path = g_build_filename(f->folder, name, NULL);
		g_unlink(path);
	}
	g_rmdir(f->folder);
	g_free(f->folder);
}

int exec_with(struct exec_fixture *f, const char *path, const char *const *argv, bool kernel_only, uint64_t *entry)
{
	struct vm_exec_args args = {
	    .path = path, .argv = argv, .opener = {.open = exec_open, .ctx = f->machine}, .kernel_only = kernel_only};

	return vm_exec(f->process, &args, entry);
}

int exec_path(struct exec_fixture *f, const char *path)
{
	const char *const argv[] = {path, NULL};
	uint64_t entry;

	return exec_with(f, path, argv, false, &entry);
}

char *exec_path_of(struct exec_fixture *f, const char *name)
{
	return g_build_filename(f->folder, name, NULL);
}

char *exec_write(struct exec_fixture *f, const char *name, const void *bytes, size_t size)
{
	char *path = exec_path_of(f, name);

	/* In place, and without waiting for the disk. */
	g_assert_true(g_file_set_contents_full(path, bytes, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
	return path;
}

char *exec_write_text(struct exec_fixture *f, const char *name, const char *text)
{
	return exec_write(f, name, text, strlen(text));
}

static void append_area(void *ctx, const struct vm_area_info *area)
{
	g_string_append_printf(ctx, "%lx-%lx %s %lx %s\n", area->start, area->end, area->perm, area->offset,
	                       area->name != NULL ? area->name : "");
}

char *exec_areas(struct exec_fixture *f)
{
	GString *text = g_string_new(NULL);

	g_assert_cmpint(vm_process_areas(f->process, append_area, text), ==, 0);
	return g_string_free(text, FALSE);
}

/* --- ELF files by hand ------------------------------------------------------------------------ */

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr load, extra;
};

/* A shared object or PIE of one page; EXTRA is a second program header. */
static void make_image(uint8_t bytes[static IMAGE_SIZE], uint16_t type, Elf64_Phdr extra)
{
	uint64_t base = type == ET_EXEC ? 0x400000 : 0;
	struct image image = {
	    .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	               .e_type = type,
	               .e_machine = EM_X86_64,
	               .e_version = EV_CURRENT,
	               .e_entry = base + 0x100,
	               .e_phoff = sizeof(Elf64_Ehdr),
	               .e_ehsize = sizeof(Elf64_Ehdr),
	               .e_phentsize = sizeof(Elf64_Phdr),
	               .e_phnum = 2},
	    .load = {.p_type = PT_LOAD,
	             .p_flags = PF_R | PF_W,
	             .p_vaddr = base,
	             .p_filesz = IMAGE_SIZE,
	             .p_memsz = IMAGE_SIZE,
	             .p_align = 0x1000},
	    .extra = extra,
	};

	memset(bytes, 0, IMAGE_SIZE);
	memcpy(bytes, &image, sizeof image);
}

char *exec_write_interpreted(struct exec_fixture *f, const char *name, uint16_t type, const char *interpreter)
{
	uint8_t bytes[IMAGE_SIZE];

	make_image(bytes, type,
	           (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = STRINGS_AT, .p_filesz = strlen(interpreter) + 1});
	strcpy((char *)bytes + STRINGS_AT, interpreter);
	return exec_write(f, name, bytes, sizeof bytes);
}

/* A library named NAME that needs NEEDED (NULL-terminated). */
char *exec_write_library(struct exec_fixture *f, const char *name, const char *const *needed, const char *runpath)
{
	uint8_t bytes[IMAGE_SIZE];
	Elf64_Dyn dynamic[MAX_DYNAMIC] = {{DT_STRTAB, {STRINGS_AT}}, {DT_STRSZ, {IMAGE_SIZE - STRINGS_AT}}};
	size_t count = 2, at = STRINGS_AT + 1;

	make_image(bytes, ET_DYN,
	           (Elf64_Phdr){.p_type = PT_DYNAMIC,
	                        .p_offset = DYNAMIC_AT,
	                        .p_vaddr = DYNAMIC_AT,
	                        .p_filesz = sizeof dynamic,
	                        .p_memsz = sizeof dynamic});
	for (size_t i = 0; needed[i] != NULL; i++) {
		dynamic[count++] = (Elf64_Dyn){DT_NEEDED, {at - STRINGS_AT}};
		at += g_strlcpy((char *)bytes + at, needed[i], IMAGE_SIZE - at) + 1;
	}
	dynamic[count++] = (Elf64_Dyn){DT_RUNPATH, {at - STRINGS_AT}};
	g_strlcpy((char *)bytes + at, runpath, IMAGE_SIZE - at);
	memcpy(bytes + DYNAMIC_AT, dynamic, sizeof dynamic);
	return exec_write(f, name, bytes, sizeof bytes);
}
