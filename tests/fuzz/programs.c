/*
 * programs.c - see programs.h.
 */
#include "tests/fuzz/programs.h"

#include <elf.h>
#include <string.h>

/* The contents of the file, which is mapped whole, and a page of zeros after it. */
struct image {
	Elf64_Ehdr header;
	Elf64_Phdr load, stack, dynamic, interpreter;
	Elf64_Dyn entries[5]; /* the last one is DT_NULL */
	char needed[16], soname[32], interpreter_path[16];
};

#define AT(member) offsetof(struct image, member)

static const struct program {
	const char *name, *needed, *interpreter;
} programs[] = {
    {PROGRAM, LIBRARY, "/lib/" INTERPRETER},
    {INTERPRETER, "", NULL},
    {LIBRARY, "libtwo.so", NULL},
    {"libtwo.so", LIBRARY, NULL},
};

static struct image make_image(const struct program *program)
{
	struct image image = {
	    .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
	                           EV_CURRENT},
	               .e_type = ET_DYN,
	               .e_machine = EM_X86_64,
	               .e_version = EV_CURRENT,
	               .e_phoff = AT(load),
	               .e_phentsize = sizeof(Elf64_Phdr),
	               .e_phnum = program->interpreter != NULL ? 4 : 3},
	    .load = {.p_type = PT_LOAD,
	             .p_flags = PF_R | PF_W,
	             .p_filesz = sizeof image,
	             .p_memsz = 2 * VM_PAGE_SIZE,
	             .p_align = VM_PAGE_SIZE},
	    .stack = {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
	    .dynamic = {.p_type = PT_DYNAMIC,
	                .p_vaddr = AT(entries),
	                .p_filesz = sizeof image.entries},
	    .interpreter = {.p_type = PT_INTERP, .p_offset = AT(interpreter_path)},
	    .entries = {{DT_NEEDED, {0}},
	                {DT_STRTAB, {AT(needed)}},
	                {DT_STRSZ, {AT(interpreter_path) - AT(needed)}}},
	};

	strcpy(image.needed, program->needed);
	/* Libraries are mapped only if the interpreter is glibc's. */
	if (strcmp(program->name, INTERPRETER) == 0) {
		strcpy(image.soname, "ld-linux-x86-64.so.2");
		image.entries[3] = (Elf64_Dyn){DT_SONAME, {AT(soname) - AT(needed)}};
	}
	if (program->interpreter != NULL) {
		strcpy(image.interpreter_path, program->interpreter);
		image.interpreter.p_filesz = strlen(program->interpreter) + 1;
	}
	return image;
}

void programs_add(struct fuzz *f, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
		const struct image image = make_image(&programs[i]);

		if (name == NULL || strcmp(programs[i].name, name) != 0)
			fuzz_add_file(f, programs[i].name, &image, sizeof image);
	}
}
