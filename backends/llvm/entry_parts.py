"""What every entry shares, as LLVM IR: what an array must be, where its result comes from, and how one is kept.

The offsets are those of NumPy 2 and CPython 3.11 to 3.13 on 64 bits: see `entry.supported`.
"""

__all__ = ["OUT_PARTS", "PARTS"]

#: $data ... are offsets into an array, $items and $slots into a tuple and a list
PARTS = """\
@PyArray_Type = external global i8
@_Py_NoneStruct = external global i8
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare ptr @PyArray_Return(ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyDict_New()
declare i32 @PyDict_SetItem(ptr, ptr, ptr)

; Whether this is an array, and none of a subclass, of this type and rank, whose flags are at least these.
define internal i1 @graphc_fits(ptr %array, ptr %descr, i32 %rank, i32 %flags) nounwind {
  %type_at = getelementptr i8, ptr %array, i64 8
  %type = load ptr, ptr %type_at, align 8
  %is_array = icmp eq ptr %type, @PyArray_Type
  br i1 %is_array, label %look, label %no
look:
  %descr_at = getelementptr i8, ptr %array, i64 $descr
  %its_descr = load ptr, ptr %descr_at, align 8
  %same_descr = icmp eq ptr %its_descr, %descr
  %flags_at = getelementptr i8, ptr %array, i64 $flags
  %its_flags = load i32, ptr %flags_at, align 4
  %both = and i32 %its_flags, %flags
  %same_flags = icmp eq i32 %both, %flags
  %rank_at = getelementptr i8, ptr %array, i64 $rank
  %its_rank = load i32, ptr %rank_at, align 4
  %same_rank = icmp eq i32 %its_rank, %rank
  %some = and i1 %same_descr, %same_flags
  %all = and i1 %some, %same_rank
  ret i1 %all
no:
  ret i1 false
}

; Whether the extents of an array of this rank are these.
define internal i1 @graphc_has_extents(ptr %array, i32 %rank, ptr %extents) nounwind {
  %shape_at = getelementptr i8, ptr %array, i64 $shape
  %shape_of = load ptr, ptr %shape_at, align 8
  br label %axis
axis:
  %number = phi i32 [ 0, %0 ], [ %next, %compare ]
  %is_axis = icmp slt i32 %number, %rank
  br i1 %is_axis, label %compare, label %yes
compare:
  %next = add i32 %number, 1
  %wide = zext i32 %number to i64
  %its_at = getelementptr i64, ptr %shape_of, i64 %wide
  %its = load i64, ptr %its_at, align 8
  %wanted_at = getelementptr i64, ptr %extents, i64 %wide
  %wanted = load i64, ptr %wanted_at, align 8
  %same = icmp eq i64 %its, %wanted
  br i1 %same, label %axis, label %no
yes:
  ret i1 true
no:
  ret i1 false
}

; Whether a result that was given away has come back: nobody has it, sees it or changed what it is.
define internal i1 @graphc_is_free(ptr %array, ptr %descr, i32 %rank, ptr %extents) nounwind {
  %fits = call i1 @graphc_fits(ptr %array, ptr %descr, i32 %rank, i32 1285) ; contiguous, its own, aligned, writable
  br i1 %fits, label %count, label %no
count:
  %references = load i64, ptr %array, align 8
  %only_ours = icmp eq i64 %references, 1
  %base_at = getelementptr i8, ptr %array, i64 $base
  %base = load ptr, ptr %base_at, align 8
  %no_base = icmp eq ptr %base, null
  %weak_at = getelementptr i8, ptr %array, i64 $weak
  %weak = load ptr, ptr %weak_at, align 8
  %no_weak = icmp eq ptr %weak, null
  %some = and i1 %only_ours, %no_base
  %all = and i1 %some, %no_weak
  br i1 %all, label %shape, label %no
shape:
  %same = call i1 @graphc_has_extents(ptr %array, i32 %rank, ptr %extents)
  ret i1 %same
no:
  ret i1 false
}

; A new array; null, with an error set, if there is no memory.
define internal ptr @graphc_fresh(ptr %descr, i32 %rank, ptr %extents) nounwind {
  call void @Py_IncRef(ptr %descr)
  %array = call ptr @PyArray_NewFromDescr(
      ptr @PyArray_Type, ptr %descr, i32 %rank, ptr %extents, ptr null, ptr null, i32 0, ptr null)
  ret ptr %array
}

; One of the two arrays in these slots, taken out, or a new one.
define internal ptr @graphc_taken(ptr %slots, ptr %descr, i32 %rank, ptr %extents) nounwind {
  %first = load ptr, ptr %slots, align 8
  %first_free = call i1 @graphc_is_free(ptr %first, ptr %descr, i32 %rank, ptr %extents)
  br i1 %first_free, label %take, label %look
look:
  %second_at = getelementptr i8, ptr %slots, i64 8
  %second = load ptr, ptr %second_at, align 8
  %second_free = call i1 @graphc_is_free(ptr %second, ptr %descr, i32 %rank, ptr %extents)
  br i1 %second_free, label %take, label %none
take:
  %place = phi ptr [ %slots, %0 ], [ %second_at, %look ]
  %array = phi ptr [ %first, %0 ], [ %second, %look ]
  call void @Py_IncRef(ptr @_Py_NoneStruct)
  store ptr @_Py_NoneStruct, ptr %place, align 8
  ret ptr %array
none:
  %fresh = call ptr @graphc_fresh(ptr %descr, i32 %rank, ptr %extents)
  ret ptr %fresh
}

; Remember a result in place of the one that was given away first.
define internal void @graphc_keep(ptr %slots, ptr %array) nounwind {
  call void @Py_IncRef(ptr %array)
  %second_at = getelementptr i8, ptr %slots, i64 8
  %first = load ptr, ptr %slots, align 8
  %second = load ptr, ptr %second_at, align 8
  store ptr %second, ptr %slots, align 8
  store ptr %array, ptr %second_at, align 8
  call void @Py_DecRef(ptr %first)
  ret void
}

define internal void @graphc_drop(ptr %arrays, i64 %count) nounwind {
  br label %look
look:
  %number = phi i64 [ 0, %0 ], [ %next, %drop ]
  %more = icmp slt i64 %number, %count
  br i1 %more, label %drop, label %done
drop:
  %next = add i64 %number, 1
  %place = getelementptr ptr, ptr %arrays, i64 %number
  %array = load ptr, ptr %place, align 8
  call void @Py_DecRef(ptr %array)
  br label %look
done:
  ret void
}
"""

#: what arrays of `out=` must be
OUT_PARTS = """\
@PyTuple_Type = external global i8
@PyList_Type = external global i8
@graphc_out = external global i8

; Whether a tuple of names holds `out` and no other.
define internal i1 @graphc_is_out(ptr %names) nounwind {
  %count_at = getelementptr i8, ptr %names, i64 16
  %count = load i64, ptr %count_at, align 8
  %is_one = icmp eq i64 %count, 1
  %name_at = getelementptr i8, ptr %names, i64 24
  %name = load ptr, ptr %name_at, align 8 ; there is one at least
  %is_out = icmp eq ptr %name, @graphc_out
  %both = and i1 %is_one, %is_out
  ret i1 %both
}

; Whether this is a tuple or list of so many, and none of a subclass.
define internal i1 @graphc_holds(ptr %items, ptr %wanted, i64 %count) nounwind {
  %type_at = getelementptr i8, ptr %items, i64 8
  %type = load ptr, ptr %type_at, align 8
  %is_type = icmp eq ptr %type, %wanted
  br i1 %is_type, label %look, label %no
look:
  %count_at = getelementptr i8, ptr %items, i64 16
  %its_count = load i64, ptr %count_at, align 8
  %same = icmp eq i64 %its_count, %count
  ret i1 %same
no:
  ret i1 false
}

; Whether a result of this type and of these extents can be written there.
define internal i1 @graphc_is_room(ptr %array, ptr %descr, i32 %rank, ptr %extents) nounwind {
  %fits = call i1 @graphc_fits(ptr %array, ptr %descr, i32 %rank, i32 1281) ; contiguous, aligned, writable
  br i1 %fits, label %look, label %no
look:
  %same = call i1 @graphc_has_extents(ptr %array, i32 %rank, ptr %extents)
  ret i1 %same
no:
  ret i1 false
}

; The address behind the last element of a contiguous array.
define internal i64 @graphc_end(ptr %array, i32 %rank, i64 %item) nounwind {
  %data_at = getelementptr i8, ptr %array, i64 $data
  %data = load i64, ptr %data_at, align 8
  %shape_at = getelementptr i8, ptr %array, i64 $shape
  %shape = load ptr, ptr %shape_at, align 8
  br label %axis
axis:
  %number = phi i32 [ 0, %0 ], [ %next, %more ]
  %bytes = phi i64 [ %item, %0 ], [ %product, %more ]
  %is_axis = icmp slt i32 %number, %rank
  br i1 %is_axis, label %more, label %done
more:
  %next = add i32 %number, 1
  %wide = zext i32 %number to i64
  %extent_at = getelementptr i64, ptr %shape, i64 %wide
  %extent = load i64, ptr %extent_at, align 8
  %product = mul i64 %bytes, %extent
  br label %axis
done:
  %end = add i64 %data, %bytes
  ret i64 %end
}

; Whether, of the arrays from `first` to `count`, none shares memory with one before it.
define internal i1 @graphc_are_apart(ptr %starts, ptr %ends, i64 %first, i64 %count) nounwind {
  br label %array
array:
  %number = phi i64 [ %first, %0 ], [ %following, %next ]
  %is_array = icmp slt i64 %number, %count
  br i1 %is_array, label %begin, label %yes
begin:
  %start_at = getelementptr i64, ptr %starts, i64 %number
  %start = load i64, ptr %start_at, align 8
  %end_at = getelementptr i64, ptr %ends, i64 %number
  %end = load i64, ptr %end_at, align 8
  br label %other
other:
  %before = phi i64 [ 0, %begin ], [ %after, %compare ]
  %is_before = icmp slt i64 %before, %number
  br i1 %is_before, label %compare, label %next
compare:
  %after = add i64 %before, 1
  %other_at = getelementptr i64, ptr %starts, i64 %before
  %other_start = load i64, ptr %other_at, align 8
  %other_end_at = getelementptr i64, ptr %ends, i64 %before
  %other_end = load i64, ptr %other_end_at, align 8
  %begins_before = icmp ult i64 %start, %other_end
  %ends_after = icmp ult i64 %other_start, %end
  %overlap = and i1 %begins_before, %ends_after
  br i1 %overlap, label %no, label %other
next:
  %following = add i64 %number, 1
  br label %array
yes:
  ret i1 true
no:
  ret i1 false
}
"""
