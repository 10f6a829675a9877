//! Which vector instructions this processor has, found at run time, once; and functions compiled for each set of them.

use std::sync::OnceLock;

/// A set of vector instructions that this processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path(pub(crate) Level);

/// The instruction sets with code of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// Every path this processor can take, the plainest first.
    pub fn available() -> Vec<Path> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut paths = vec![Path(Level::Portable)];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq");
            paths.extend(avx2.then_some(Path(Level::Avx2)));
            paths.extend((avx2 && avx512).then_some(Path(Level::Avx512)));
        }
        paths
    }

    /// The path in use: the fastest, or the one that the environment's `SSLRUN_KERNELS` names if it is available.
    pub fn current() -> Path {
        static CURRENT: OnceLock<Path> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let fastest = *Path::available().last().expect("the portable path is always available");
            Path::wanted().ok().flatten().unwrap_or(fastest)
        })
    }

    /// The path that the environment's `SSLRUN_KERNELS` names, if it is set; an error where this processor does not have it.
    pub fn wanted() -> Result<Option<Path>, String> {
        let Some(wanted) = std::env::var_os("SSLRUN_KERNELS").filter(|name| !name.is_empty()) else { return Ok(None) };
        let paths = Path::available();
        let names: Vec<&str> = paths.iter().map(|path| path.name()).collect();
        match paths.iter().find(|path| wanted == path.name()) {
            Some(path) => Ok(Some(*path)),
            None => Err(format!("SSLRUN_KERNELS is {}; this processor has {}", wanted.display(), names.join(", "))),
        }
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }
}

/// Compiles one plain function once for every instruction set and puts a choosing function, with the path as a first argument,
/// in front. In the body, `FMA` says whether a fused multiply-add is one instruction.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<const FMA: bool $(, $g:ident: $bound:path)*>
     ($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name<$($g: $bound),*>(path: $crate::simd::Path, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(unused, reason = "bodies without a multiply-add have no use for FMA")]
            fn body<const FMA: bool, $($g: $bound),*>($($arg: $ty),*) $(-> $ret)? $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
            fn avx512<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<true, $($g),*>($($arg),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2<$($g: $bound),*>($($arg: $ty),*) $(-> $ret)? {
                body::<true, $($g),*>($($arg),*)
            }
            match path.0 {
                // SAFETY: a path of this level exists only where the processor has these features.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx512 => unsafe { avx512($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::simd::Level::Avx2 => unsafe { avx2($($arg),*) },
                $crate::simd::Level::Portable => {
                    body::<{ cfg!(target_arch = "aarch64") }, $($g),*>($($arg),*)
                }
            }
        }
    };
}
pub(crate) use multiversion;
