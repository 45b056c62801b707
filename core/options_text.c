/* to be written */
typedef int options_text_c_is_empty;
