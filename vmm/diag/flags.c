/* SPDX-License-Identifier: Apache-2.0 */
/* Names of bits; see flags.h. */
#include "diag/flags.h"

#include <stdio.h>

struct flag {
	uint8_t bit;
	const char *name;
};

static const struct flag rflags[] = {
	{21, "ID"}, {20, "VIP"}, {19, "VIF"}, {18, "AC"}, {17, "VM"},
	{16, "RF"}, {14, "NT"},  {11, "OF"},  {10, "DF"}, {9, "IF"},
	{8, "TF"},  {7, "SF"},   {6, "ZF"},   {4, "AF"},  {2, "PF"},
	{0, "CF"},  {0, NULL},
};

static const struct flag cr0[] = {
	{31, "PG"}, {30, "CD"}, {29, "NW"}, {18, "AM"}, {16, "WP"}, {5, "NE"},
	{4, "ET"},  {3, "TS"},  {2, "EM"},  {1, "MP"},  {0, "PE"},  {0, NULL},
};

static const struct flag cr4[] = {
	{23, "CET"},     {22, "PKE"},   {21, "SMAP"},     {20, "SMEP"},
	{18, "OSXSAVE"}, {17, "PCIDE"}, {16, "FSGSBASE"}, {14, "SMXE"},
	{13, "VMXE"},    {12, "LA57"},  {11, "UMIP"},     {10, "OSXMMEXCPT"},
	{9, "OSFXSR"},   {8, "PCE"},    {7, "PGE"},       {6, "MCE"},
	{5, "PAE"},      {4, "PSE"},    {3, "DE"},        {2, "TSD"},
	{1, "PVI"},      {0, "VME"},    {0, NULL},
};

static const struct flag efer[] = {
	{15, "TCE"}, {14, "FFXSR"}, {12, "SVME"}, {11, "NXE"},
	{10, "LMA"}, {8, "LME"},    {0, "SCE"},   {0, NULL},
};

static const struct flag page[] = {
	{63, "XD"}, {8, "G"}, {7, "PS"}, {6, "D"}, {5, "A"},  {4, "PCD"},
	{3, "PWT"}, {2, "U"}, {1, "W"},  {0, "P"}, {0, NULL},
};

static const struct flag *const registers[FLAGS_REGISTERS] = {
	[FLAGS_RFLAGS] = rflags, [FLAGS_CR0] = cr0,   [FLAGS_CR4] = cr4,
	[FLAGS_EFER] = efer,     [FLAGS_PAGE] = page,
};

const char *flags_text(enum flags_of what, uint64_t value, char *to,
		       size_t to_size)
{
	size_t n = 0;

	*to = '\0';
	for (const struct flag *flag = registers[what]; flag->name; flag++) {
		if (!(value >> flag->bit & 1u) || n >= to_size)
			continue;
		n += (size_t)snprintf(to + n, to_size - n, "%s%s", n ? " " : "",
				      flag->name);
	}
	return to;
}

const char *flags_exception(unsigned vector)
{
	static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF",
					    "#BR", "#UD", "#NM", "#DF", "?",
					    "#TS", "#NP", "#SS", "#GP", "#PF",
					    "?",   "#MF", "#AC", "#MC", "#XM",
					    "#VE", "#CP"};

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : "?";
}
