/* SPDX-License-Identifier: Apache-2.0 */
/* The symbol table of an ELF file; see symbols.h. */
#include "diag/symbols.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/kernel_image.h"

/* A label without size reaches to the next one, but not farther than this. */
#define LABEL_BYTES UINT64_C(0x400)
/* Symbols inside others: so many are looked at backwards, at most. */
#define NESTING_MAX 32u
/* As many as the loader takes. */
#define ALIASES_MAX KERNEL_SEGMENTS_MAX

/* @rank: which of several at one address is the best name, higher first. */
struct symbol {
	uint64_t start;
	uint64_t end; /* exclusive; start without a size, until bounded */
	const char *name;
	uint32_t name_max; /* bytes up to the end of the string table */
	uint8_t rank;
};

/* Loaded to @gpa, linked to @linear. */
struct alias {
	uint64_t gpa;
	uint64_t linear;
	uint64_t bytes;
};

struct symbols {
	struct alias alias[ALIASES_MAX];
	unsigned n_aliases;
	size_t count;
	struct symbol list[];
};

struct file {
	const uint8_t *bytes;
	uint64_t size;
	Elf64_Ehdr ehdr;
	char *err;
	size_t err_size;
};

static bool fits(const struct file *f, uint64_t offset, uint64_t bytes)
{
	return offset <= f->size && bytes <= f->size - offset;
}

static int read_header(struct file *f)
{
	if (!fits(f, 0, sizeof(f->ehdr)))
		return -ENOENT;
	memcpy(&f->ehdr, f->bytes, sizeof(f->ehdr));
	if (memcmp(f->ehdr.e_ident, ELFMAG, SELFMAG) != 0 ||
	    f->ehdr.e_ident[EI_CLASS] != ELFCLASS64 ||
	    f->ehdr.e_ident[EI_DATA] != ELFDATA2LSB || !f->ehdr.e_shnum)
		return -ENOENT;
	if (f->ehdr.e_shentsize == sizeof(Elf64_Shdr) &&
	    fits(f, f->ehdr.e_shoff,
		 (uint64_t)f->ehdr.e_shnum * sizeof(Elf64_Shdr)))
		return 0;
	snprintf(f->err, f->err_size,
		 "%u section headers at %#" PRIx64
		 " do not fit the file's %" PRIu64 " bytes",
		 f->ehdr.e_shnum, f->ehdr.e_shoff, f->size);
	return -EINVAL;
}

/* @index < e_shnum. */
static Elf64_Shdr section(const struct file *f, unsigned index)
{
	Elf64_Shdr shdr;

	memcpy(&shdr, f->bytes + f->ehdr.e_shoff + index * sizeof(shdr),
	       sizeof(shdr));
	return shdr;
}

static int find_table(const struct file *f, Elf64_Shdr *symtab,
		      Elf64_Shdr *strtab)
{
	unsigned i = 0;

	while (i < f->ehdr.e_shnum && section(f, i).sh_type != SHT_SYMTAB)
		i++;
	if (i == f->ehdr.e_shnum)
		return -ENOENT;
	*symtab = section(f, i);
	if (symtab->sh_entsize != sizeof(Elf64_Sym) ||
	    !fits(f, symtab->sh_offset, symtab->sh_size)) {
		snprintf(f->err, f->err_size,
			 "symbol table of %" PRIu64 " bytes at %#" PRIx64
			 " does not fit the file's %" PRIu64 " bytes",
			 symtab->sh_size, symtab->sh_offset, f->size);
		return -EINVAL;
	}
	if (symtab->sh_link >= f->ehdr.e_shnum) {
		snprintf(f->err, f->err_size,
			 "string table is section %" PRIu32 " of %u",
			 symtab->sh_link, f->ehdr.e_shnum);
		return -EINVAL;
	}
	*strtab = section(f, symtab->sh_link);
	if (strtab->sh_type == SHT_STRTAB &&
	    fits(f, strtab->sh_offset, strtab->sh_size))
		return 0;
	snprintf(f->err, f->err_size,
		 "string table of %" PRIu64 " bytes at %#" PRIx64
		 " does not fit the file's %" PRIu64 " bytes",
		 strtab->sh_size, strtab->sh_offset, f->size);
	return -EINVAL;
}

/*
 * Where the section ends that a symbol lies in. Return: false if it is none with
 * code, or the symbol is not within.
 */
static bool code_end(const struct file *f, const Elf64_Sym *sym, uint64_t *end)
{
	Elf64_Shdr shdr;

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= f->ehdr.e_shnum)
		return false;
	shdr = section(f, sym->st_shndx);
	if (!(shdr.sh_flags & SHF_EXECINSTR) || sym->st_value < shdr.sh_addr ||
	    sym->st_value - shdr.sh_addr >= shdr.sh_size ||
	    shdr.sh_size > UINT64_MAX - shdr.sh_addr)
		return false;
	*end = shdr.sh_addr + shdr.sh_size;
	return true;
}

/* Return: false if @sym names no code. */
static bool take(const struct file *f, const Elf64_Shdr *strtab,
		 const Elf64_Sym *sym, struct symbol *out)
{
	unsigned type = ELF64_ST_TYPE(sym->st_info);
	uint64_t end;

	if ((type != STT_FUNC && type != STT_NOTYPE) ||
	    sym->st_name >= strtab->sh_size || !code_end(f, sym, &end))
		return false;
	*out = (struct symbol){
		.start = sym->st_value,
		.end = sym->st_value,
		.name = (const char *)f->bytes + strtab->sh_offset +
			sym->st_name,
		.rank = (uint8_t)((sym->st_size ? 4u : 0u) |
				  (type == STT_FUNC ? 2u : 0u) |
				  (ELF64_ST_BIND(sym->st_info) != STB_LOCAL)),
	};
	out->name_max = strtab->sh_size - sym->st_name > UINT32_MAX
				? UINT32_MAX
				: (uint32_t)(strtab->sh_size - sym->st_name);
	if (!*out->name)
		return false;
	if (sym->st_size && sym->st_size <= end - sym->st_value)
		out->end = sym->st_value + sym->st_size;
	else if (sym->st_size)
		out->end = end;
	return true;
}

static int by_address(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return b->rank - a->rank;
}

/* One name per address, the best; labels get an end. */
static void tidy(struct symbols *s)
{
	size_t kept = 0;

	qsort(s->list, s->count, sizeof(*s->list), by_address);
	for (size_t i = 0; i < s->count; i++)
		if (!kept || s->list[kept - 1].start != s->list[i].start)
			s->list[kept++] = s->list[i];
	s->count = kept;
	for (size_t i = 0; i < kept; i++) {
		struct symbol *symbol = &s->list[i];
		uint64_t end = symbol->start > UINT64_MAX - LABEL_BYTES
				       ? UINT64_MAX
				       : symbol->start + LABEL_BYTES;

		if (symbol->end != symbol->start)
			continue;
		if (i + 1 < kept && s->list[i + 1].start < end)
			end = s->list[i + 1].start;
		symbol->end = end;
	}
}

/* Loadable segments whose two addresses differ. */
static void read_aliases(const struct file *f, struct symbols *s)
{
	const Elf64_Ehdr *ehdr = &f->ehdr;

	if (ehdr->e_phentsize != sizeof(Elf64_Phdr) ||
	    !fits(f, ehdr->e_phoff,
		  (uint64_t)ehdr->e_phnum * sizeof(Elf64_Phdr)))
		return;
	for (unsigned i = 0; i < ehdr->e_phnum && s->n_aliases < ALIASES_MAX;
	     i++) {
		Elf64_Phdr phdr;

		memcpy(&phdr, f->bytes + ehdr->e_phoff + i * sizeof(phdr),
		       sizeof(phdr));
		if (phdr.p_type == PT_LOAD && phdr.p_paddr != phdr.p_vaddr)
			s->alias[s->n_aliases++] = (struct alias){
				phdr.p_paddr, phdr.p_vaddr, phdr.p_memsz};
	}
}

int symbols_read(const uint8_t *bytes, uint64_t size_bytes,
		 struct symbols **out, char *err, size_t err_size)
{
	struct file f = {.bytes = bytes,
			 .size = size_bytes,
			 .err = err,
			 .err_size = err_size};
	Elf64_Shdr symtab, strtab;
	struct symbols *s;
	uint64_t n;
	int ret;

	snprintf(err, err_size, "no symbol table");
	ret = read_header(&f);
	if (!ret)
		ret = find_table(&f, &symtab, &strtab);
	if (ret)
		return ret;
	n = symtab.sh_size / sizeof(Elf64_Sym);
	s = calloc(1, sizeof(*s) + n * sizeof(*s->list));
	if (!s) {
		snprintf(err, err_size, "symbol table: out of memory");
		return -ENOMEM;
	}
	read_aliases(&f, s);
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Sym sym;

		memcpy(&sym, bytes + symtab.sh_offset + i * sizeof(sym),
		       sizeof(sym));
		if (take(&f, &strtab, &sym, &s->list[s->count]))
			s->count++;
	}
	if (!s->count) {
		symbols_free(s);
		return -ENOENT;
	}
	tidy(s);
	*out = s;
	return 0;
}

void symbols_free(struct symbols *symbols)
{
	free(symbols);
}

size_t symbols_count(const struct symbols *symbols)
{
	return symbols ? symbols->count : 0;
}

/* The innermost one that @address lies in, or NULL. */
static const struct symbol *find(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (unsigned i = 0; i < NESTING_MAX && i < low; i++)
		if (address < s->list[low - 1 - i].end)
			return &s->list[low - 1 - i];
	return NULL;
}

static const struct symbol *find_any(const struct symbols *s, uint64_t address,
				     uint64_t *linear)
{
	const struct symbol *found;

	*linear = address;
	if (!s)
		return NULL;
	found = find(s, address);
	for (unsigned i = 0; i < s->n_aliases && !found; i++) {
		const struct alias *alias = &s->alias[i];

		if (address < alias->gpa || address - alias->gpa >= alias->bytes)
			continue;
		*linear = address - alias->gpa + alias->linear;
		found = find(s, *linear);
	}
	return found;
}

bool symbols_name(const struct symbols *symbols, uint64_t address,
		  char text[SYMBOL_TEXT_MAX])
{
	/* What an offset takes at most: "+0x", 16 digits, the 0. */
	const size_t name_max = SYMBOL_TEXT_MAX - 20u;
	const struct symbol *found;
	uint64_t linear;
	size_t n = 0;

	text[0] = '\0';
	found = find_any(symbols, address, &linear);
	if (!found)
		return false;
	for (; n < name_max && n < found->name_max && found->name[n]; n++) {
		char c = found->name[n];

		text[n] = c;
		if (c <= ' ' || c > '~')
			text[n] = '?';
	}
	text[n] = '\0';
	if (linear != found->start)
		snprintf(text + n, SYMBOL_TEXT_MAX - n, "+%#" PRIx64,
			 linear - found->start);
	return true;
}

uint64_t symbols_offset(const struct symbols *symbols, uint64_t address)
{
	uint64_t linear;
	const struct symbol *found = find_any(symbols, address, &linear);

	return found ? linear - found->start : UINT64_MAX;
}
