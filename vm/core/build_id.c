/*
 * build_id.c - see core_file.h.
 */
#include "vm/core/core_file.h"

#include <elf.h>

enum {
	MAX_HEADERS = 128,
	MAX_NOTES = 4096, /* bytes of one PT_NOTE that are looked at */
};

/* Whether LEN bytes at OFFSET could be read. */
static bool read_at(const struct elf_source *source, void *buf, size_t len, uint64_t offset)
{
	return source->read(source->ctx, buf, len, offset) == (ssize_t)len;
}

/* Find the note in LEN bytes. */
static bool find_note(const uint8_t *bytes, size_t len, struct build_id *id)
{
	Elf64_Nhdr note;

	for (size_t at = 0; len - at >= sizeof note;) {
		memcpy(&note, bytes + at, sizeof note);
		at += sizeof note;
		uint64_t name = ((uint64_t)note.n_namesz + 3) & ~UINT64_C(3);
		uint64_t desc = ((uint64_t)note.n_descsz + 3) & ~UINT64_C(3);
		if (name + note.n_descsz > len - at)
			return false;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(bytes + at, "GNU", 4) == 0 && note.n_descsz > 0 &&
		    note.n_descsz <= sizeof id->bytes) {
			id->len = note.n_descsz;
			memcpy(id->bytes, bytes + at + name, id->len);
			return true;
		}
		at += MIN(name + desc, len - at);
	}
	return false;
}

struct build_id build_id_read(const struct elf_source *source, bool in_memory)
{
	struct build_id id = {.len = 0};
	Elf64_Phdr headers[MAX_HEADERS];
	uint8_t notes[MAX_NOTES];
	uint64_t base = UINT64_MAX;
	Elf64_Ehdr header;

	if (!read_at(source, &header, sizeof header, 0) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof headers[0] ||
	    header.e_phnum > MAX_HEADERS ||
	    !read_at(source, headers, header.e_phnum * sizeof headers[0], header.e_phoff))
		return id;
	for (unsigned i = 0; i < header.e_phnum; i++)
		if (headers[i].p_type == PT_LOAD)
			base = MIN(base, page_down(headers[i].p_vaddr));
	for (unsigned i = 0; i < header.e_phnum && id.len == 0; i++) {
		size_t len = (size_t)MIN(headers[i].p_filesz, sizeof notes);
		uint64_t at = in_memory ? headers[i].p_vaddr - base : headers[i].p_offset;
		if (headers[i].p_type == PT_NOTE && read_at(source, notes, len, at))
			find_note(notes, len, &id);
	}
	return id;
}
