/* The file of a made CPython, for modules that see no ELF file of their own. */
#ifndef TESTS_INSPECT_PYTHON_FILE_H
#define TESTS_INSPECT_PYTHON_FILE_H

#include "../../elf/elf_image.h"

#endif
