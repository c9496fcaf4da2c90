// An entry point that does not take what the ABI gives it is refused.
// RUN: nibble-opt --emit-entry-points -split-input-file -verify-diagnostics %s

// expected-error @below {{entry point 'head' has 2 arguments, but the ABI gives it 8}}
llvm.func @head(%row: i64, %logits: !llvm.ptr) { llvm.return }

// -----
// The head's row is a number.
// expected-error @below {{entry point 'head' takes '!llvm.ptr' as argument 3, but the ABI gives it 'i64'}}
llvm.func @head(%arena: !llvm.ptr, %state: !llvm.ptr, %weights: !llvm.ptr, %row: !llvm.ptr, %logits: !llvm.ptr,
                %team: !llvm.ptr, %tid: i64, %nthreads: i64) { llvm.return }
