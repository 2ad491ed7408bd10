/*
 * attach/names.c - see names.h.
 *
 * The template's .symtab and .strtab, which stand before the room, are copied behind the end
 * of the file and grow there, so that many small batches cost what one large one does.  Room
 * for symbols is a hole in the file until it is used; 28 MiB of code have fewer slots.
 *
 * Nobody in the target reads these headers: it keeps what it has mapped.
 *
 * Spec     ELF gABI "Symbol Table", "Sections"
 */
#include "attach/names.h"

#include "base/cleanup.h"
#include "info/demangle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	MAX_SYMBOLS = 1 << 20,
	TABLE_MAX = 1 << 20, /* bytes of a table in the template: sanity */
	PAGE = 4096,
};

static uint64_t symbols_at(uint64_t file_size)
{
	return ALIGN_UP(file_size, (uint64_t)PAGE);
}

static uint64_t text_at(uint64_t file_size)
{
	return symbols_at(file_size) + MAX_SYMBOLS * sizeof(Elf64_Sym);
}

static void add(struct names *n, taddr_t at, uint64_t size, const char *func, const char *what)
{
	const char *part[] = { "utramp:", func, what };
	Elf64_Sym sym = {
		.st_name = (Elf64_Word)n->text.n, /* from where the new text will begin */
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), /* they follow global ones */
		.st_value = at,
		.st_size = size,
	};

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		size_t len = strlen(part[i]);

		if (vec_reserve(&n->text, len + 1) < 0) {
			n->failed = true;
			return;
		}
		memcpy(n->text.at + n->text.n, part[i], len + 1);
		n->text.n += len;
	}
	n->text.n++; /* the last one's end */
	n->failed = vec_push(&n->sym, sym) < 0;
}

void names_add(struct names *n, taddr_t at, uint64_t size, const char *func, const char *what)
{
	_free_ char *shown = NULL;

	if (n->failed)
		return;
	shown = demangle(func);
	add(n, at, size, shown ? shown : func, what);
}

static bool read_all(int fd, void *to, size_t size, uint64_t at)
{
	return pread(fd, to, size, (off_t)at) == (ssize_t)size;
}

static bool write_all(int fd, const void *from, size_t size, uint64_t at)
{
	return pwrite(fd, from, size, (off_t)at) == (ssize_t)size;
}

static bool copy_table(int fd, const Elf64_Shdr *s, uint64_t to)
{
	_free_ char *bytes = NULL;

	if (s->sh_size > TABLE_MAX)
		return false;
	bytes = malloc(s->sh_size + 1);
	return bytes && read_all(fd, bytes, s->sh_size, s->sh_offset) &&
	       write_all(fd, bytes, s->sh_size, to);
}

/* slab_text is the whole room: as an object of that size it would hide all that is in it. */
static bool hide_room(struct names *n, int fd, uint64_t symbols, const Elf64_Shdr *text)
{
	for (uint64_t i = 0; i < n->nsym; i++) {
		uint64_t at = symbols + i * sizeof(Elf64_Sym);
		char name[sizeof("slab_text")];
		Elf64_Sym sym;

		if (!read_all(fd, &sym, sizeof(sym), at) ||
		    !read_all(fd, name, sizeof(name), text->sh_offset + sym.st_name))
			return false;
		if (memcmp(name, "slab_text", sizeof(name)) != 0)
			continue;
		n->section = sym.st_shndx;
		n->room = sym.st_value;
		sym.st_info &= 0xf0; /* STT_NOTYPE */
		sym.st_size = 0;
		return write_all(fd, &sym, sizeof(sym), at);
	}
	return false;
}

/* Move both tables to where they can grow; their headers follow in update(). */
static bool begin(struct names *n, int fd, uint64_t file_size)
{
	Elf64_Ehdr h;
	Elf64_Shdr s, text;

	if (!read_all(fd, &h, sizeof(h), 0) || h.e_shentsize != sizeof(s))
		return false;
	for (unsigned i = 0; i < h.e_shnum; i++) {
		n->sym_head = h.e_shoff + i * sizeof(s);
		if (!read_all(fd, &s, sizeof(s), n->sym_head))
			return false;
		if (s.sh_type == SHT_SYMTAB)
			break;
	}
	n->text_head = h.e_shoff + s.sh_link * sizeof(s);
	if (s.sh_type != SHT_SYMTAB || !read_all(fd, &text, sizeof(text), n->text_head) ||
	    !copy_table(fd, &s, symbols_at(file_size)) ||
	    !copy_table(fd, &text, text_at(file_size)))
		return false;
	n->nsym = s.sh_size / sizeof(Elf64_Sym);
	n->ntext = text.sh_size;
	return hide_room(n, fd, symbols_at(file_size), &text);
}

static bool update_header(int fd, uint64_t head, uint64_t at, uint64_t size)
{
	Elf64_Shdr s;

	if (!read_all(fd, &s, sizeof(s), head))
		return false;
	s.sh_offset = at;
	s.sh_size = size;
	return write_all(fd, &s, sizeof(s), head);
}

/* Text, symbols, headers, in this order: a reader finds a name for each symbol. */
static bool append(struct names *n, int fd, taddr_t room, uint64_t file_size)
{
	uint64_t symbols = symbols_at(file_size), text = text_at(file_size);

	if (!n->nsym && !begin(n, fd, file_size))
		return false;
	if (n->nsym + n->sym.n > MAX_SYMBOLS)
		return false;
	for (size_t i = 0; i < n->sym.n; i++) {
		n->sym.at[i].st_name += (Elf64_Word)n->ntext;
		n->sym.at[i].st_value += n->room - room;
		n->sym.at[i].st_shndx = n->section;
	}
	if (!write_all(fd, n->text.at, n->text.n, text + n->ntext) ||
	    !write_all(fd, n->sym.at, n->sym.n * sizeof(Elf64_Sym),
		       symbols + n->nsym * sizeof(Elf64_Sym)))
		return false;
	n->ntext += n->text.n;
	n->nsym += n->sym.n;
	return update_header(fd, n->text_head, text, n->ntext) &&
	       update_header(fd, n->sym_head, symbols, n->nsym * sizeof(Elf64_Sym));
}

/* Beyond the limit a write would end us by SIGXFSZ: setrlimit(2). */
static bool too_large(uint64_t size)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 || size > limit.rlim_cur;
}

void names_write(struct names *n, int fd, taddr_t room, uint64_t file_size)
{
	if (n->failed || !n->sym.n || fd < 0)
		return;
	n->failed = too_large(text_at(file_size) + TABLE_MAX + n->ntext + n->text.n) ||
		    !append(n, fd, room, file_size);
	n->sym.n = n->text.n = 0;
}

void names_fini(struct names *n)
{
	vec_free(&n->sym);
	vec_free(&n->text);
}
