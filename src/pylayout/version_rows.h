/* pylayout/version_rows.h: the table of CPython's layouts. Only version.h and version.c include it.
 *
 * A row is a fact, and a column is a version: 64-bit, little-endian, with the GIL.
 * "none" means that a version has no such field. Sizes and offsets are in bytes
 * unless the name says otherwise. docs/how-to-add-a-python-version.md says where
 * each fact comes from. Rows marked (guess) moved between micro releases; a decoder
 * verifies what they lead to before it uses them.
 *
 * There is no include guard: each includer defines ROW first.
 */
/* clang-format off */

/*                                    3.8     3.9    3.10    3.11    3.12    3.13    3.14    3.15 */

/* Objects/obmalloc.c; Include/internal/pycore_obmalloc.h from 3.12 on */
ROW(pool_bytes,                      4096,   4096,  16384,  16384,  16384,  16384,  16384,  16384)
ROW(arena_bytes,                   262144, 262144,1048576,1048576,1048576,1048576,1048576,1048576) /* (guess) */
ROW(arenas_from_pools,               none,   none,   none,   none,    512,    512,    512,    512) /* vector's address, from usedpools */
ROW(arenas_count_from_pools,         none,   none,   none,   none,   1064,   1064,   1064,   1064) /* narenas_currently_allocated */

/* Include/object.h */
ROW(immortal,                           0,      0,      0,      0,      1,      1,      1,      1) /* refcount is 32 bits, negative is for ever */
ROW(parked_by_link,                     0,      0,      0,      0,      0,      0,      1,      1) /* free lists chain through the refcount's word */
ROW(preheader,                          0,      0,      0,      1,      2,      3,      3,      3) /* 1: values, dict; 2: weak, tagged dict; 3: weak, dict */
ROW(sizeof_with_preheader,             0,      0,      0,      1,      1,      1,      1,      1) /* sys.getsizeof counts managed words too */
ROW(sizeof_static_head,                0,      0,      0,      1,      1,      0,      0,      0) /* ... and a GC head of static types, which have none */
ROW(sizeof_int_by_type,                0,      0,      0,      0,      1,      1,      1,      1) /* int.__sizeof__ asks the type, so that subclasses count in full */
ROW(sizeof_str_by_type,                0,      0,      0,      0,      0,      0,      1,      1) /* and str.__sizeof__ */

/* Include/cpython/object.h */
ROW(type_bytes,                       416,    408,    408,    408,    416,    416,    416,    424)
ROW(heap_type_bytes,                  880,    880,    888,    904,    920,    928,    936,    944)
ROW(ht_name,                          848,    840,    848,    848,    856,    856,    856,    864)
ROW(ht_slots,                         856,    848,    856,    856,    864,    864,    864,    872)
ROW(ht_qualname,                      864,    856,    864,    864,    872,    872,    872,    880)
ROW(ht_cached_keys,                   872,    864,    872,    872,    880,    880,    880,    888)
ROW(ht_module,                       none,    872,    880,    880,    888,    888,    888,    896)
ROW(ht_tpname,                       none,   none,   none,    888,    896,    896,    896,    904) /* _ht_tpname: a copy of the name it was given */
ROW(static_types_in_interpreter,        0,      0,      0,      0,      1,      1,      1,      1) /* tp_dict of built-ins */

/* Objects/dict-common.h; Include/internal/pycore_dict.h from 3.11 on */
ROW(keys_header,                       40,     40,     40,     32,     32,     32,     32,     32)
ROW(keys_log2,                          0,      0,      0,      1,      1,      1,      1,      1) /* sizes as powers, kinds of keys */
ROW(keys_usable,                       24,     24,     24,     16,     16,     16,     16,     16)
ROW(keys_nentries,                     32,     32,     32,     24,     24,     24,     24,     24)
ROW(values_header,                      0,      0,      0,      0,      0,      8,      8,      8) /* from PyDictValues to values[0] */
ROW(values_prefixed,                    0,      0,      0,      1,      1,      0,      0,      0) /* a byte in front tells the block's start */

/* Include/cpython/unicodeobject.h */
ROW(str_ascii_bytes,                   48,     48,     48,     48,     40,     40,     40,     40)
ROW(str_compact_bytes,                 72,     72,     72,     72,     56,     56,     56,     56)
ROW(str_utf8_length,                   48,     48,     48,     48,     40,     40,     40,     40)
ROW(str_utf8,                          56,     56,     56,     56,     48,     48,     48,     48)
ROW(str_data,                          72,     72,     72,     72,     56,     56,     56,     56)
ROW(str_wstr,                          40,     40,     40,     40,   none,   none,   none,   none)
ROW(str_wstr_length,                   64,     64,     64,     64,   none,   none,   none,   none)

/* Include/cpython/longintrepr.h, tupleobject.h, bytearrayobject.h */
ROW(int_tagged,                         0,      0,      0,      0,      1,      1,      1,      1) /* digits << 3 | sign */
ROW(int_digits_least,                  0,      0,      0,      1,      1,      1,      1,      1) /* that sys.getsizeof counts */
ROW(tuple_items,                       24,     24,     24,     24,     24,     24,     32,     32)
ROW(bytearray_object,                none,   none,   none,   none,   none,   none,   none,     56) /* bytes object that holds its storage */

/* Include/cpython/funcobject.h, code.h, Objects/moduleobject.c */
ROW(function_bytes,                   120,    120,    128,    136,    144,    144,    152,    152)
ROW(function_closure,                  48,     48,     72,     72,     72,     72,     72,     72)
ROW(function_code,                     16,     16,     48,     48,     48,     48,     48,     48)
ROW(function_more,                   none,   none,   none,   none,    120,    120,    120,    120) /* objects behind __annotations__ */
ROW(function_more_end,               none,   none,   none,   none,    128,    128,    136,    136)
ROW(code_bytes,                       176,    176,    176,    184,    192,    200,    208,    208) /* up to its code */
ROW(code_name,                        112,    112,    112,    120,    120,    120,    120,    120)
ROW(code_qualname,                   none,   none,   none,    128,    128,    128,    128,    128)
ROW(code_filename,                    104,    104,    104,    112,    112,    112,    112,    112)
ROW(code_local_names,                  72,     72,     72,     96,     96,     96,     96,     96) /* co_varnames; co_localsplusnames */
ROW(code_nlocalsplus,                none,   none,   none,     76,     72,     72,     72,     72)
ROW(code_stacksize,                    32,     32,     32,     68,     64,     64,     64,     64)
ROW(code_extra,                       144,    144,    144,    176,    184,    192,    200,    200)
ROW(code_cell_map,                    96,     96,     96,   none,   none,   none,   none,   none) /* co_cell2arg */
ROW(code_opcache,                     152,    152,    152,   none,   none,   none,   none,   none) /* co_opcache_map, co_opcache, _flag, _size */
ROW(code_nlocals,                     28,     28,     28,   none,   none,   none,   none,   none)
ROW(code_cells,                       88,     88,     88,   none,   none,   none,   none,   none) /* co_cellvars, co_freevars */
ROW(code_frees,                       80,     80,     80,   none,   none,   none,   none,   none)

/* Include/cpython/frameobject.h; Include/internal/pycore_frame.h, pycore_interpframe_structs.h */
ROW(frame_bytes,                      360,    360,    352,     48,     48,     64,     72,     72) /* frame object up to its locals or frame */
ROW(frame_code,                        32,     32,     32,   none,   none,   none,   none,   none)
ROW(frame_frame,                    none,   none,   none,     24,     24,     24,     24,     24) /* the interpreter's frame */
ROW(frame_stack,                       64,     64,     64,   none,   none,   none,   none,   none) /* f_valuestack */
ROW(iframe_bytes,                    none,   none,   none,     72,     72,     72,     80,     80) /* up to its locals */
ROW(iframe_code,                     none,   none,   none,     32,      0,      0,      0,      0)
ROW(iframe_code_tagged,                 0,      0,      0,      0,      0,      0,      1,      1) /* references carry bits */
ROW(iframe_function,                 none,   none,   none,      0,     16,     16,     16,     16)
ROW(iframe_previous,                 none,   none,   none,     48,      8,      8,      8,      8)
ROW(iframe_stack,                    none,   none,   none,     64,     64,     64,     64,     64) /* stacktop, stackpointer */
ROW(iframe_stack_pointer,               0,      0,      0,      0,      0,      0,      1,      1) /* an address, no index */
ROW(iframe_owner,                    none,   none,   none,     69,     70,     70,     74,     74)
ROW(generator_bytes,                   96,     96,     88,     80,     72,     72,     72,     72) /* up to its frame; (guess) */

/* Include/internal/pycore_runtime.h, pycore_interp.h, Include/cpython/pystate.h: (guess), all of them */
ROW(runtime_head,                      32,     32,     32,     40,     40,    632,    808,    936) /* interpreters.head */
ROW(interpreter_bytes,               2720,   5656, 113528, 107752, 383552, 194968, 225864, 226232)
ROW(interpreter_next,                   0,      0,      0,      0,      0,   7264,   7272,   7264)
ROW(interpreter_threads,                8,      8,      8,     16,     72,   7344,   7344,   7336)
ROW(interpreter_modules,               56,    856,    856,    888,    944,   7656,   7688,   7592)
ROW(interpreter_sys,                   72,    872,    872,    904,    352,   7640,   7672,   7576)
ROW(interpreter_builtins,              80,    880,    880,    912,    360,   7648,   7680,   7584)
ROW(interpreter_gc,                  none,    616,    616,    648,    112,   7400,   7408,   7400)
ROW(runtime_gc,                       344,   none,   none,   none,   none,   none,   none,   none)
ROW(gc_generations,                    24,     24,     24,     24,     24,     24,     24,      8)
ROW(gc_permanent,                     104,    104,    104,    104,    104,    104,     96,     80)
ROW(thread_next,                        8,      8,      8,      8,      8,      8,      8,      8)
ROW(thread_interpreter,                16,     16,     16,     16,     16,     16,     16,     16)
ROW(thread_frame,                      24,     24,     24,     56,     56,     72,     72,     72) /* frame; cframe; current_frame */
ROW(thread_cframe,                   none,   none,   none,      8,      0,   none,   none,   none) /* current_frame in _PyCFrame */
ROW(thread_bytes,                     264,    264,    280,    360,    288,    304,    832,    888)

/* Include/internal/pycore_debug_offsets.h: where _Py_DebugOffsets, at the start of _PyRuntime, tells these */
ROW(debug_head,                      none,   none,   none,   none,   none,     40,     40,     40)
ROW(debug_next,                      none,   none,   none,   none,   none,     64,     64,     64)
ROW(debug_threads,                   none,   none,   none,   none,   none,     72,     72,     72)
ROW(debug_gc,                        none,   none,   none,   none,   none,     80,     88,     88)
ROW(debug_modules,                   none,   none,   none,   none,   none,     88,     96,     96)
ROW(debug_sys,                       none,   none,   none,   none,   none,     96,    104,    104)
ROW(debug_builtins,                  none,   none,   none,   none,   none,    104,    112,    112)
/* clang-format on */
