/* to be written */
typedef int files_c_is_empty;
